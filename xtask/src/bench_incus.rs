//! `cargo xtask bench-incus`: a private daemon, driven by windlass, by the `incus` command and by `curl`.

use std::path::Path;
use std::process::Command;

use crate::live::{self, GENERATIONS};
use crate::{Outcome, workspace};

/// Runs itself again below `session.sh`, as the live suites do; there, runs the benchmark.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let generation = match args {
        [] => GENERATIONS[0],
        [one] if GENERATIONS.contains(one) => one,
        _ => return Err(format!("bench-incus takes one generation: {}", GENERATIONS.join(" or "))),
    };
    live::need_root()?;
    match std::env::var_os(live::SESSION) {
        None => Err(live::enter_session("bench-incus", args)),
        Some(session) => measure(&Path::new(&session).join(generation), generation),
    }
}

fn measure(directory: &Path, generation: &str) -> Outcome {
    // So that no daemon waits for the compiler.
    workspace::run(bench().arg("--no-run"))?;
    live::with_daemon(directory, generation, || {
        let mut command = bench();
        command.env("WINDLASS_LIVE_INCUS_SOCKET", directory.join("unix.socket"));
        workspace::run(command.env("WINDLASS_LIVE_INCUS_DIR", directory))
    })
}

fn bench() -> Command {
    let mut command = workspace::cargo();
    command.args([
        "bench",
        "--quiet",
        "--package",
        "windlass-benches",
        "--features",
        "bench",
        "--bench",
        "daemon",
    ]);
    command
}
