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
    let recipe = live::servers().join("incus.sh");
    let control = |args: &[&str]| {
        let mut command = Command::new("bash");
        command.arg(&recipe).args(args).env("WINDLASS_LIVE_INCUS_GENERATION", generation);
        workspace::run(&mut command)
    };
    control(&["install-6"])?;
    if generation != GENERATIONS[0] {
        control(&["install-7", &live::tree()])?;
    }
    // So that no daemon waits for the compiler.
    workspace::run(bench().arg("--no-run"))?;
    let path = directory.display().to_string();
    control(&["up", &path])?;
    let mut command = bench();
    command.env("WINDLASS_LIVE_INCUS_SOCKET", directory.join("unix.socket"));
    let outcome = workspace::run(command.env("WINDLASS_LIVE_INCUS_DIR", directory));
    outcome.and(control(&["down", &path]))
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
