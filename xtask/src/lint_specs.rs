//! `cargo xtask lint-specs`: runs Redocly's linter and Spectral on the specs.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Outcome, workspace};

/// Pinned, because a newer version may find more.
const LINTERS: [&str; 2] = ["@redocly/cli@2.77.0", "@stoplight/spectral-cli@6.16.3"];

/// Installs the linters below `target`, and runs both on all specs or on the given ones.
pub(crate) fn run(apis: &[&str]) -> Outcome {
    if !has_npm() {
        println!("the specs aren't linted: there is no npm here");
        return Ok(());
    }
    let bin = install()?;
    let known = workspace::apis()?;
    let chosen = known.iter().filter(|api| apis.is_empty() || apis.contains(&api.as_str()));
    let files: Vec<String> = chosen.map(|api| format!("specs/{api}.yaml")).collect();
    if files.is_empty() {
        return Err(format!("there is no such spec; there are {}", known.join(", ")));
    }
    let redocly = workspace::run(
        Command::new(bin.join("redocly"))
            .args(["lint", "--config", "specs/redocly.yaml", "--format", "stylish"])
            .args(&files)
            // It would send usage data, and check for updates.
            .envs([("REDOCLY_TELEMETRY", "off"), ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")])
            .current_dir(workspace::root()),
    );
    let spectral = workspace::run(
        Command::new(bin.join("spectral"))
            .args(["lint", "--ruleset", "specs/spectral.yaml"])
            .args(&files)
            .current_dir(workspace::root()),
    );
    redocly.and(spectral)
}

fn has_npm() -> bool {
    let version = Command::new("npm").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// The directory of the linters' commands.
fn install() -> Result<std::path::PathBuf, String> {
    let home = workspace::target().join("lint-specs");
    let done = home.join(LINTERS.join(" ").replace('/', "_"));
    if !done.exists() {
        std::fs::create_dir_all(&home).map_err(|e| format!("can't make {}: {e}", home.display()))?;
        workspace::run(&mut npm_install(&home))?;
        workspace::write(&done, "")?;
    }
    Ok(home.join("node_modules/.bin"))
}

fn npm_install(home: &Path) -> Command {
    let mut npm = Command::new("npm");
    // No install scripts run.
    npm.args([
        "install",
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--prefix",
    ]);
    npm.arg(home).args(LINTERS);
    npm
}
