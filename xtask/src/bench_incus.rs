//! `cargo xtask bench-incus`: a private daemon, driven by windlass, by the `incus` command, by `curl` and by a program over
//! the vendor's Go library.

use std::path::{Path, PathBuf};
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
    // So that no daemon waits for a compiler.
    workspace::run(bench().arg("--no-run"))?;
    let install =
        || workspace::run(Command::new("bash").arg(live::servers().join("incus.sh")).arg("install-go"));
    let go = install().and_then(|()| go_client());
    if let Err(e) = &go {
        println!("without the vendor's Go client: {e}");
    }
    live::with_daemon(directory, generation, || {
        let mut command = bench();
        command.env("WINDLASS_LIVE_INCUS_SOCKET", directory.join("unix.socket"));
        command.envs(go.as_ref().ok().map(|program| ("WINDLASS_BENCH_GO", program)));
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

/// Builds the program over the vendor's Go library, with Debian's copies of what it needs.
fn go_client() -> Result<PathBuf, String> {
    let place = workspace::target().join("bench-go");
    let source = place.join("src/windlass-bench");
    let failed = |e| format!("{}: {e}", source.display());
    std::fs::create_dir_all(&source).map_err(failed)?;
    // Only below a GOPATH does Go look for packages in Debian's.
    for name in ["main.go", "go.mod"] {
        std::fs::copy(workspace::root().join("benches/go").join(name), source.join(name)).map_err(failed)?;
    }
    let program = place.join("client");
    let mut command = Command::new("go");
    command.arg("build").arg("-o").arg(&program).arg(".").current_dir(&source);
    command.env("GO111MODULE", "off").env("GOPATH", format!("{}:/usr/share/gocode", place.display()));
    command.env("GOCACHE", place.join("cache")).env("GOTOOLCHAIN", "local").env_remove("GOFLAGS");
    workspace::run(&mut command).map(|()| program)
}
