//! `cargo xtask live lambda-cloud`: the Python client from PyPI against the fake service.

use std::process::Command;

use crate::suite::{Choice, Suite};
use crate::{Outcome, pypi};

/// The version of the client that the fake was tested with.
const CLIENT: &str = "lambda-ai-cloud-api-client==2.4.1";
/// The variable with the client's directory.
const PYTHON: &str = "WINDLASS_LIVE_LAMBDA_PYTHON";

/// The client against the fake.
const SUITE: Suite<'_> = Suite { program: "contract", module: "vendor::lambda_cloud", features: &[] };

/// Installs the client in its own directory, and runs the suite.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let choice = Choice::read(args)?;
    let python = pypi::python_with(CLIENT)?;
    let with_python = |mut command: Command| {
        command.env(PYTHON, python);
        command
    };
    SUITE.run("Lambda Cloud", &choice, 1, with_python).map(drop)
}
