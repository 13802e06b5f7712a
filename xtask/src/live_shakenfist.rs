//! `cargo xtask live shakenfist`: the contract, and the vendor's own client, against real servers of both releases.

use std::process::Command;

use crate::{Outcome, workspace};

/// The supported releases, as PyPI names them.
const RELEASES: [&str; 2] = ["0.8.0.0rc4", "0.7.2"];

/// The contract; and the vendor's client against the fake server, which needs no real one but its Python.
const SUITES: [&str; 2] = ["live_shakenfist", "vendor_shakenfist"];

/// Installs, builds, and runs the suites against each release; `args` go to the tests after `--`.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let extra = match args {
        [] => &[],
        ["--", extra @ ..] => extra,
        [other, ..] => {
            return Err(format!("'{other}' is not for this suite; arguments for the tests go after --"));
        }
    };
    for release in RELEASES {
        workspace::run(script().args(["install", release]))?;
    }
    // So that no server waits for a compiler.
    workspace::run(tests().arg("--no-run"))?;
    let failures: Vec<String> = RELEASES.iter().filter_map(|release| against(release, extra).err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\nxtask: ")) }
}

/// The recipe of the servers.
fn script() -> Command {
    let mut command = Command::new("bash");
    command.arg(workspace::root().join("xtask/servers/shakenfist.sh"));
    command
}

fn tests() -> Command {
    let mut command = workspace::cargo();
    command.arg("test");
    for suite in SUITES {
        command.args(["--test", suite]);
    }
    command
}

/// Starts a server, which lasts as long as the tests.
fn against(release: &str, extra: &[&str]) -> Outcome {
    println!("== Shaken Fist {release}");
    let tests = tests();
    let mut command = script();
    command.args(["with", release]).arg(tests.get_program()).args(tests.get_args());
    // More at once, and the server's own locks time out on a busy machine.
    command.args(["--", "--ignored", "--test-threads=2"]).args(extra);
    workspace::run(&mut command).map_err(|e| format!("Shaken Fist {release}: {e}"))
}
