//! `cargo xtask live lambda-cloud`: the Python client from PyPI against the fake service.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::{Choice, Suite};
use crate::{Outcome, workspace};

/// The version of the client that the fake was tested with.
const CLIENT: &str = "lambda-ai-cloud-api-client==2.4.1";
/// The variable with the client's directory.
const PYTHON: &str = "WINDLASS_LIVE_LAMBDA_PYTHON";

/// The client against the fake.
const SUITE: Suite<'_> = Suite { program: "contract", module: "vendor::lambda_cloud", features: &[] };

/// Installs the client in its own directory, and runs the suite.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let choice = Choice::read(args)?;
    let python = installed(&directory())?;
    let with_python = |mut command: Command| {
        command.env(PYTHON, python);
        command
    };
    SUITE.run("Lambda Cloud", &choice, 1, with_python).map(drop)
}

/// Below the target directory, so that it is kept between runs and cleaned with it.
fn directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| workspace::root().join("target")).join("vendor-lambda")
}

/// The interpreter that has the client.
fn installed(directory: &Path) -> Result<PathBuf, String> {
    let python = directory.join("bin/python");
    if !has_client(&python) {
        let made = workspace::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(directory));
        made.map_err(|e| format!("{e}; this needs python3 with venv (on Debian: python3-venv)"))?;
        workspace::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", CLIENT]))?;
    }
    Ok(python)
}

/// Whether an earlier run has installed it.
fn has_client(python: &Path) -> bool {
    let (name, version) = CLIENT.split_once("==").unwrap_or((CLIENT, ""));
    let script = format!("import importlib.metadata as m; assert m.version('{name}') == '{version}'");
    let asked = Command::new(python).args(["-c", &script]).stderr(std::process::Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
