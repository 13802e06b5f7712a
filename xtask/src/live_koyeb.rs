//! `cargo xtask live koyeb`: the vendor's Python SDK against the fake service, and the long tests.

use std::process::Command;

use crate::suite::{self, Choice, Suite};
use crate::{Outcome, pypi};

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
    let python = pypi::python_with(SDK)?;
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
