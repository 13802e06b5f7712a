//! `cargo xtask live shakenfist`: the contract, and the vendor's own client, against real servers of both releases.

use std::process::Command;

use crate::suite::{self, Choice, Suite};
use crate::versions::chosen;
use crate::{Outcome, workspace};

/// The supported releases, by their PyPI versions.
pub(crate) const RELEASES: [&str; 2] = ["0.8.0.0rc4", "0.7.2"];

/// The contract, and the vendor's client against the fake server, also compared with the real one while that is new.
const SUITES: [Suite<'_>; 2] = [of("live::shakenfist"), of(VENDOR)];
const VENDOR: &str = "vendor::shakenfist";

const fn of(module: &'static str) -> Suite<'static> {
    Suite { program: "contract", module, features: &[] }
}

/// Installs, builds, and runs the suites against each release, or the one that the arguments begin with. Those after
/// `--` go to the tests.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let (releases, rest) = chosen(&RELEASES, args);
    let choice = Choice::read(rest)?;
    releases.iter().try_for_each(|release| install(release))?;
    // So that no server waits for the compiler.
    SUITES[0].build()?;
    suite::all(releases.iter().map(|release| against(release, &choice)))
}

/// Installs a release.
pub(crate) fn install(release: &str) -> Outcome {
    workspace::run(script().args(["install", release]))
}

/// The command, which then runs beside a fresh server.
pub(crate) fn beside_a_server(release: &str, run: &Command) -> Command {
    let mut command = script();
    command.args(["with", release]).arg(run.get_program()).args(run.get_args());
    command
}

/// The script that manages the servers.
fn script() -> Command {
    let mut command = Command::new("bash");
    command.arg(workspace::root().join("xtask/servers/shakenfist.sh"));
    command
}

/// Each suite has its own server for the duration of its tests.
fn against(release: &str, choice: &Choice) -> Outcome {
    println!("== Shaken Fist {release}");
    let what = format!("Shaken Fist {release}");
    let beside = |tests: Command| beside_a_server(release, &tests);
    // The vendor's client takes long: unless it is asked for by name, the newest release is enough for it.
    let takes = |suite: &&Suite<'_>| suite.module != VENDOR || release == RELEASES[0] || !choice.is_all();
    // With more at once, the server's own locks time out on a busy machine.
    suite::all(SUITES.iter().filter(takes).map(|suite| suite.run(&what, choice, 2, beside).map(drop)))
}
