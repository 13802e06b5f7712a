//! `cargo xtask chaos --real`: chosen operations against every fault, before real servers.

use std::path::Path;
use std::process::Command;

use crate::chaos::program;
use crate::live::{self, GENERATIONS};
use crate::versions::chosen;
use crate::{Outcome, live_shakenfist, suite, workspace};

/// Where Shaken Fist listens.
const SHAKENFIST: &str = "127.0.0.1:13000";
/// So many play at once before it, unless the options say otherwise: they wait for it most of the time.
const AT_ONCE: [&str; 2] = ["--jobs", "4"];

/// Runs it on all versions, or on the one that the options begin with; the rest of them goes to the program.
pub(crate) fn run(api: &str, options: &[&str]) -> Outcome {
    match api {
        "incus" => incus(options),
        "shakenfist" => shakenfist(options),
        other => Err(format!("chaos --real takes incus or shakenfist, not '{other}'")),
    }
}

/// Starts itself again below `session.sh`, as the live suites do.
fn incus(options: &[&str]) -> Outcome {
    let (generations, rest) = chosen(&GENERATIONS, options);
    live::need_root()?;
    let Some(session) = std::env::var_os(live::SESSION) else {
        return Err(live::enter_session("chaos", &[&["--real", "incus"], options].concat()));
    };
    workspace::run(&mut program(&["build", "--quiet"]))?;
    suite::all(generations.into_iter().map(|generation| {
        let directory = Path::new(&session).join(generation);
        let socket = directory.join("unix.socket").display().to_string();
        let mut command = chaos("incus", &format!("Incus {generation}"), &socket, rest);
        live::with_daemon(&directory, generation, || workspace::run(&mut command))
    }))
}

fn shakenfist(options: &[&str]) -> Outcome {
    let (releases, rest) = chosen(&live_shakenfist::RELEASES, options);
    workspace::run(&mut program(&["build", "--quiet"]))?;
    suite::all(releases.into_iter().map(|release| {
        live_shakenfist::install(release)?;
        let options = [&AT_ONCE, rest].concat();
        let command = chaos("shakenfist", &format!("Shaken Fist {release}"), SHAKENFIST, &options);
        workspace::run(&mut live_shakenfist::beside_a_server(release, &command))
    }))
}

/// The program, for a server that listens there.
fn chaos(api: &str, title: &str, at: &str, options: &[&str]) -> Command {
    let mut command = Command::new(workspace::target().join("debug/windlass-chaos"));
    command.args(["--api", api, "--real", title, "--at", at]).args(options);
    command
}
