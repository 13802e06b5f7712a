//! `cargo xtask live koyeb`: the vendor's Python SDK against the fake service, and the long tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::{self, Choice, Suite};
use crate::{Outcome, workspace};

/// The version of the vendor's SDK that the fake was compared with.
const SDK: &str = "koyeb-sdk==1.5.5";
/// The suites whose ignored tests run here.
const SUITES: [Suite<'_>; 3] =
    [of("contract", "vendor::koyeb"), of("promises", "koyeb::exec"), of("promises", "memory::koyeb")];
/// The variable with the Python that has the SDK.
const PYTHON: &str = "WINDLASS_KOYEB_PYTHON";

const fn of(program: &'static str, module: &'static str) -> Suite<'static> {
    Suite { program, module, features: &[] }
}

/// Installs the SDK, and runs the suites. Needs no root, but needs PyPI the first time.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let choice = Choice::read(args)?;
    let python = sdk(&environment())?;
    let run = |suite: &Suite<'_>| {
        let with_python = |mut command: Command| {
            command.env(PYTHON, &python);
            command
        };
        // Slow tests run alone.
        suite.run("Koyeb", &choice, 1, with_python).map(drop)
    };
    suite::all(SUITES.iter().map(run))
}

/// The install directory of the SDK, below the build directory.
fn environment() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| workspace::root().join("target")).join(SDK.replace("==", "-"))
}

/// A Python with the SDK.
fn sdk(environment: &Path) -> Result<PathBuf, String> {
    let python = environment.join("bin/python");
    let has_it = || Command::new(&python).args(["-c", "import koyeb.api"]).output();
    if has_it().is_ok_and(|output| output.status.success()) {
        return Ok(python);
    }
    workspace::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    workspace::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", SDK]))?;
    Ok(python)
}
