//! Packages from PyPI, each in an environment of its own below the target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workspace;

/// The interpreter that has this package, `name==version`. It is installed the first time.
pub(crate) fn python_with(package: &str) -> Result<PathBuf, String> {
    let environment = workspace::target().join(package.replace("==", "-"));
    let python = environment.join("bin/python");
    if !has(&python, package) {
        let made = workspace::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        made.map_err(|e| format!("{e}; this needs python3 with venv (on Debian: python3-venv)"))?;
        workspace::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", package]))?;
    }
    Ok(python)
}

/// Whether an earlier run has installed it.
fn has(python: &Path, package: &str) -> bool {
    let (name, version) = package.split_once("==").unwrap_or((package, ""));
    let script = format!("import importlib.metadata as m; assert m.version('{name}') == '{version}'");
    let asked = Command::new(python).args(["-c", &script]).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
