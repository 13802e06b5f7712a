//! `cargo xtask load`: crowds, floods and long times on the fakes, and a real daemon under load.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::busy_test::Busy;
use crate::live::{self, GENERATIONS};
use crate::{Outcome, suite, workspace};

/// What runs on the fakes, in this order.
const SCENARIOS: [&str; 7] = ["waits", "commands", "events", "lists", "transfers", "day-tail", "day-watch"];
/// What runs beside busy processes.
const BESIDE_BUSY: &str = "commands";
/// Rounds of `--kill` without a number.
const ROUNDS: &str = "30";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    Fakes(Option<&'a str>),
    /// All on the fakes, then commands on real daemons.
    Real,
    Kill(&'a str),
    /// The members of a cluster are killed, one after the other.
    KillMember(&'a str),
}

fn is_count(text: &str) -> bool {
    text.parse::<usize>().is_ok_and(|count| count > 0)
}

fn read<'a>(args: &[&'a str]) -> Result<Asked<'a>, String> {
    match args {
        [] => Ok(Asked::Fakes(None)),
        ["--only", name] if SCENARIOS.contains(name) => Ok(Asked::Fakes(Some(name))),
        ["--only", ..] => Err(format!("load --only takes one of {}", SCENARIOS.join(", "))),
        ["--real"] => Ok(Asked::Real),
        ["--kill"] => Ok(Asked::Kill(ROUNDS)),
        ["--kill", rounds] if is_count(rounds) => Ok(Asked::Kill(rounds)),
        ["--kill-member"] => Ok(Asked::KillMember(ROUNDS)),
        ["--kill-member", rounds] if is_count(rounds) => Ok(Asked::KillMember(rounds)),
        _ => {
            Err("load takes --only NAME, --real, or --kill or --kill-member and a number of rounds"
                .to_owned())
        }
    }
}

/// Runs it. What needs a daemon runs again below `session.sh`, as the live suites do.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let asked = read(args)?;
    if let Asked::Fakes(only) = asked {
        return fakes(&build()?, only);
    }
    live::need_root()?;
    let Some(session) = std::env::var_os(live::SESSION) else {
        return Err(live::enter_session("load", args));
    };
    let program = build()?;
    let daemons = |scenario: &'static str, run: fn(&mut Command) -> Outcome, rounds: &str| {
        let rounds = rounds.to_owned();
        suite::all(GENERATIONS.iter().map(|generation| {
            let directory = Path::new(&session).join(generation);
            let mut command = on_daemon(&program, &directory, scenario, generation);
            command.args(["--rounds", &rounds]);
            live::with_daemon(&directory, generation, || run(&mut command))
        }))
    };
    match asked {
        Asked::Kill(rounds) => daemons("kill", killed, rounds),
        Asked::KillMember(rounds) => clusters(&program, Path::new(&session), rounds),
        _ => suite::all([fakes(&program, None), daemons(BESIDE_BUSY, beside_busy, ROUNDS)]),
    }
}

/// The program, for a daemon.
fn on_daemon(program: &Path, directory: &Path, scenario: &str, generation: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(scenario).arg("--socket").arg(directory.join("unix.socket"));
    command.arg("--directory").arg(directory).arg("--control").arg(live::servers().join("incus.sh"));
    command.args(["--generation", generation]);
    command
}

/// Builds the program as users build theirs, and returns its path.
fn build() -> Result<PathBuf, String> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--quiet", "--package", "windlass-load"]);
    workspace::run(&mut command)?;
    Ok(workspace::target().join("release/windlass-load"))
}

fn heading(scenario: &str) {
    println!("\n| {scenario} | |\n| --- | --- |");
}

fn fakes(program: &Path, only: Option<&str>) -> Outcome {
    let chosen = SCENARIOS.iter().filter(|name| only.is_none_or(|only| only == **name));
    // One that fails doesn't stop the others.
    suite::all(chosen.map(|name| {
        let mut command = Command::new(program);
        command.arg(name);
        if *name == BESIDE_BUSY {
            return beside_busy(&mut command);
        }
        heading(name);
        workspace::run(&mut command)
    }))
}

fn killed(command: &mut Command) -> Outcome {
    heading("daemons that are killed");
    workspace::run(command)
}

/// Kills members of a cluster of each generation.
fn clusters(program: &Path, session: &Path, rounds: &str) -> Outcome {
    suite::all(GENERATIONS.iter().map(|generation| {
        live::install(generation)?;
        let members = session.join(format!("{generation}-cluster"));
        let mut command = on_daemon(program, &members, "kill-member", generation);
        command.args(["--rounds", rounds]);
        heading("a cluster of which one member is killed");
        live::with_cluster(&members, generation, || workspace::run(&mut command))
    }))
}

fn beside_busy(command: &mut Command) -> Outcome {
    let busy = Busy::start()?;
    heading(&format!("{BESIDE_BUSY}, beside {} busy processes", busy.count()));
    workspace::run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line() {
        assert_eq!(read(&[]), Ok(Asked::Fakes(None)));
        assert_eq!(read(&["--only", "lists"]), Ok(Asked::Fakes(Some("lists"))));
        assert_eq!(read(&["--kill", "200"]), Ok(Asked::Kill("200")));
        assert_eq!(read(&["--kill-member", "6"]), Ok(Asked::KillMember("6")));
        for wrong in [&["--only"][..], &["--only", "other"], &["--kill", "0"], &["lists"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
