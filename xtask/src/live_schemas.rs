//! `cargo xtask live schemas`: Schemathesis from PyPI judges the fakes by our specs.

use std::process::Command;

use crate::suite::{Choice, Suite};
use crate::{Outcome, pypi};

/// The version of the tool.
const TOOL: &str = "schemathesis==4.32.5";
/// The variable with the tool's path.
const PROGRAM: &str = "WINDLASS_SCHEMATHESIS";

/// The tool against each fake.
const SUITE: Suite<'_> = Suite { program: "contract", module: "vendor::schemas", features: &[] };

/// Installs the tool in its own directory, and runs the suite.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let choice = Choice::read(args)?;
    let tool = pypi::python_with(TOOL)?.with_file_name("schemathesis");
    let with_tool = |mut command: Command| {
        command.env(PROGRAM, tool);
        command
    };
    SUITE.run("fakes", &choice, 2, with_tool).map(drop)
}
