//! `cargo xtask live schemas`: Schemathesis from PyPI judges fakes and real servers by our specs.

use std::path::Path;
use std::process::Command;

use crate::live::{self, GENERATIONS};
use crate::suite::{self, Choice, Suite};
use crate::versions::chosen;
use crate::{Outcome, live_shakenfist, pypi};

/// The version of the tool.
const TOOL: &str = "schemathesis==4.32.5";
/// The variable with the tool's path.
const PROGRAM: &str = "WINDLASS_SCHEMATHESIS";

/// The tool against each fake.
const FAKES: Suite<'_> = of("vendor::schemas");
/// The tool against a real server, of which it only reads.
const REAL: Suite<'_> = of("vendor::real_schemas");

const fn of(module: &str) -> Suite<'_> {
    Suite { program: "contract", module, features: &[] }
}

/// Judges the fakes, or real servers of an API, all versions or one. Installs the tool in its own directory.
pub(crate) fn run(args: &[&str]) -> Outcome {
    match args {
        ["incus", rest @ ..] => incus(args, rest),
        ["shakenfist", rest @ ..] => shakenfist(rest),
        _ => {
            let choice = Choice::read(args)?;
            FAKES.run("fakes", &choice, 2, with(&tool()?)).map(drop)
        }
    }
}

fn tool() -> Result<String, String> {
    Ok(pypi::python_with(TOOL)?.with_file_name("schemathesis").display().to_string())
}

fn with(tool: &str) -> impl FnOnce(Command) -> Command {
    move |mut command| {
        command.env(PROGRAM, tool);
        command
    }
}

/// The one test for this API.
fn only(api: &str) -> Result<Choice, String> {
    // With the figures that the tool prints.
    Choice::read(&["--", "--show-output", &format!("{}::{api}", REAL.module)])
}

/// Starts itself again below `session.sh`, as the live suites do.
fn incus(args: &[&str], rest: &[&str]) -> Outcome {
    let (generations, choice) = (chosen(&GENERATIONS, rest).0, only("incus")?);
    live::need_root()?;
    let Some(session) = std::env::var_os(live::SESSION) else {
        return Err(live::enter_session("live", &[&["schemas"], args].concat()));
    };
    let tool = tool()?;
    REAL.build()?;
    suite::all(generations.into_iter().map(|generation| {
        let directory = Path::new(&session).join(generation);
        live::with_daemon(&directory, generation, || {
            let prepare = |command| {
                let mut command = with(&tool)(command);
                command.env("WINDLASS_LIVE_INCUS_SOCKET", directory.join("unix.socket"));
                command
            };
            REAL.run(&format!("Incus {generation}"), &choice, 1, prepare).map(drop)
        })
    }))
}

fn shakenfist(rest: &[&str]) -> Outcome {
    let (releases, choice) = (chosen(&live_shakenfist::RELEASES, rest).0, only("shakenfist")?);
    let tool = tool()?;
    REAL.build()?;
    suite::all(releases.into_iter().map(|release| {
        live_shakenfist::install(release)?;
        let beside = |tests: Command| with(&tool)(live_shakenfist::beside_a_server(release, &tests));
        REAL.run(&format!("Shaken Fist {release}"), &choice, 1, beside).map(drop)
    }))
}
