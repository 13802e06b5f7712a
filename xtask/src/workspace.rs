//! Where things are, and the small file and process helpers that every command needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

/// What stands beside the specs and is none.
const ABOUT_SPECS: [&str; 3] = ["coverage", "redocly", "spectral"];

/// The workspace's directory.
pub(crate) fn root() -> PathBuf {
    let built_in = || env!("CARGO_MANIFEST_DIR").into();
    // As cargo says now: with a target directory that checkouts share, the program may be built from another one.
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built_in, PathBuf::from);
    xtask.parent().unwrap_or(&xtask).to_path_buf()
}

/// The Rust module of an API: `lambda-cloud` is `lambda_cloud`.
pub(crate) fn module_name(api: &str) -> String {
    api.replace('-', "_")
}

/// The directory that cargo builds in.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs this command, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Reads a text file; a failure names it.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("can't read {}: {e}", path.display()))
}

/// Writes a text file; a failure names it.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|e| format!("can't write {}: {e}", path.display()))
}

/// The entries of a directory in the order of their names; a directory that doesn't exist has none.
pub(crate) fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let unreadable = |e| format!("can't read {}: {e}", directory.display());
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .and_then(|found| found.map(|entry| Ok(entry?.path())).collect())
        .map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

/// The Rust files in a directory and below it, in order.
pub(crate) fn rust_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for entry in entries(directory)? {
        if entry.is_dir() {
            files.extend(rust_files(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    Ok(files)
}

/// The names of the APIs that have a spec.
pub(crate) fn apis() -> Result<Vec<String>, String> {
    let files = entries(&root().join("specs"))?;
    let yaml = files.iter().filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let stems = yaml.filter_map(|path| path.file_stem()?.to_str());
    let spec = |stem: &&str| !ABOUT_SPECS.contains(stem) && !stem.ends_with(".accepted");
    Ok(stems.filter(spec).map(str::to_owned).collect())
}

/// Runs a command to its end; a failure shows it.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = shown(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown}: {status}")),
        Err(e) => Err(format!("{shown}: {e}")),
    }
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
