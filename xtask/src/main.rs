//! Development commands of the windlass workspace: `cargo xtask`.

mod bench_build;
mod bench_incus;
mod busy_test;
mod chaos;
mod chaos_real;
mod check_platforms;
mod coverage;
mod diff;
mod drift;
mod grammar;
mod lint_specs;
mod live;
mod live_koyeb;
mod live_lambda;
mod live_schemas;
mod live_shakenfist;
mod load;
mod methods;
#[cfg(test)]
mod public_types;
mod pypi;
mod regen;
mod rooms;
mod suite;
mod syntax;
mod versions;
mod workspace;

use std::process::ExitCode;

/// The error message of a command.
type Outcome = Result<(), String>;

const USAGE: &str = "\
cargo xtask regen [--check] [--api NAME]
                                    write generated/ from specs/, or only compare
cargo xtask drift --upstream FILE [--api NAME] [--only PATH]... [--about TEXT] [--accept REASON]
                                    how a vendor's own document (Swagger 2.0, OpenAPI 3) differs from our spec, but for
                                    what specs/<api>.accepted.yaml has; --accept writes that down
cargo xtask drift --upstream FILE --against OLD
                                    how two editions of a vendor's document differ
cargo xtask lint-specs [API]...     what Redocly's linter and Spectral say of the specs (npm)
cargo xtask coverage                where the typed layer offers what the source documents name
cargo xtask grammar                 whether the public API keeps to its grammar
cargo xtask rooms                   whether files import upwards or in circles, and how long they are
cargo xtask chaos [--short] [--streams] [--seed N] [--api NAME] [--operation ID] [--class COLUMN] [--jobs N]
                                    every operation, wait, stream and transfer against every fault, on the fakes
cargo xtask chaos --real incus [6.0|7.0] [OPTIONS]
cargo xtask chaos --real shakenfist [0.8|0.7] [OPTIONS]
                                    chosen operations, waits and transfers against every fault before a real server (root
                                    for Incus)
cargo xtask chaos --planted         whether that notices faults that are planted in windlass
cargo xtask live [incus [6.0|7.0]] [-- ARGS]
                                    run the live suites against private daemons (root; ARGS go to the tests; with
                                    `-- vendor`, only the vendors' clients, compared on fake and daemon)
cargo xtask live koyeb [-- ARGS]    the vendor's Python SDK against the fake, and the long tests (PyPI)
cargo xtask live lambda-cloud [-- ARGS]
                                    the Python client from PyPI against the fake Lambda Cloud (python3 with venv)
cargo xtask live shakenfist [0.8|0.7] [-- ARGS]
                                    the suites against Shaken Fist servers from PyPI (Debian; needs no root), and the
                                    vendor's client, compared on fake and server
cargo xtask live schemas [-- ARGS]  Schemathesis judges the fakes by our specs (PyPI)
cargo xtask live schemas incus|shakenfist [VERSION]
                                    the same, reading from real servers
cargo xtask load [--only NAME | --real]
                                    crowds, floods and long times on the fakes, with figures; --real: on daemons, too (root)
cargo xtask load --kill [ROUNDS]    daemons that are killed in the middle of a mixed load (root)
cargo xtask load --kill-member [ROUNDS]
                                    a cluster of which one member is killed in the middle of it (root)
cargo xtask check-platforms         the library for Windows and macOS with each set of features
cargo xtask busy-test [RUNS]        the README's test command beside eight busy processes; how often what failed
cargo xtask bench-build [ROUNDS]    cold build, compared with its HTTP stack alone (Linux)
cargo xtask bench-incus [6.0|7.0]   windlass, the incus command, curl and the vendor's Go client on a private daemon
                                    (root)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["regen", rest @ ..] => regen::run(rest),
        ["grammar"] => grammar::run(),
        ["rooms"] => rooms::run(),
        ["check-platforms"] => check_platforms::run(),
        ["coverage"] => coverage::run(),
        ["lint-specs", rest @ ..] => lint_specs::run(rest),
        ["drift", rest @ ..] => drift::run(rest),
        ["chaos", rest @ ..] => chaos::run(rest),
        ["live", "koyeb", rest @ ..] => live_koyeb::run(rest),
        ["live", "lambda-cloud", rest @ ..] => live_lambda::run(rest),
        ["live", "schemas", rest @ ..] => live_schemas::run(rest),
        ["live", "shakenfist", rest @ ..] => live_shakenfist::run(rest),
        ["live", rest @ ..] => live::run(rest),
        ["load", rest @ ..] => load::run(rest),
        ["busy-test", rest @ ..] => busy_test::run(rest),
        // Started by `busy-test`.
        ["spin"] => busy_test::spin(),
        ["bench-build", rest @ ..] => bench_build::run(rest),
        ["bench-incus", rest @ ..] => bench_incus::run(rest),
        _ => Err(format!("usage:\n{USAGE}")),
    };
    report(outcome)
}

/// The exit code of a result. Errors go to standard error.
fn report(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
