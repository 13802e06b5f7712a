//! Chores of the windlass workspace: `cargo xtask`.

mod bench_build;
mod coverage;
mod diff;
mod drift;
mod live;
mod live_shakenfist;
mod methods;
mod regen;
mod workspace;

use std::process::ExitCode;

/// What a chore says when it fails, for a person.
type Outcome = Result<(), String>;

const USAGE: &str = "\
cargo xtask regen [--check]         write generated/ from specs/, or only compare
cargo xtask drift --upstream FILE [--api NAME] [--only PATH]...
                                    how a vendor's own document (Swagger 2.0, OpenAPI 3) differs from our spec
cargo xtask coverage                where the typed layer offers what the source documents name
cargo xtask live [incus] [-- ARGS]  run the live suites against private daemons (root; ARGS go to the tests)
cargo xtask live shakenfist [-- ARGS]
                                    the same against Shaken Fist servers from PyPI (Debian; needs no root)
cargo xtask bench-build [ROUNDS]    cold build, compared with its HTTP stack alone (Linux)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["regen"] => regen::write(),
        ["regen", "--check"] => regen::check(),
        ["coverage"] => coverage::run(),
        ["live", "shakenfist", rest @ ..] => live_shakenfist::run(rest),
        ["drift", rest @ ..] => drift::run(rest),
        ["live", rest @ ..] => live::run(rest),
        ["bench-build", rest @ ..] => bench_build::run(rest),
        _ => Err(format!("usage:\n{USAGE}")),
    };
    report(outcome)
}

/// The exit code of an outcome; a failure goes to standard error.
fn report(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
