//! `cargo xtask regen [--check]`: `generated/<api>.rs` from `specs/<api>.yaml`.

use std::path::PathBuf;

use windlass_codegen::{Input, generate};

use crate::{Outcome, diff, workspace};

/// The generated text of one API, and the file it belongs in.
struct Generated {
    /// Relative to the workspace, for messages.
    name: String,
    /// Where it is written.
    path: PathBuf,
    /// All of it.
    text: String,
}

/// Writes each generated file that isn't up to date.
pub(crate) fn write() -> Outcome {
    for generated in all()? {
        if current(&generated)? == generated.text {
            println!("{} is up to date", generated.name);
            continue;
        }
        make_parent(&generated)?;
        workspace::write(&generated.path, &generated.text)?;
        println!("{} is written", generated.name);
    }
    Ok(())
}

/// Fails with the first difference of each file that isn't what `specs/` gives.
pub(crate) fn check() -> Outcome {
    let mut stale = Vec::new();
    for generated in all()? {
        let current = current(&generated)?;
        if let Some(hunk) = diff::first_hunk(&current, &generated.text) {
            stale.push(format!("{} isn't what specs/ gives:\n{hunk}", generated.name));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    stale.push("run cargo xtask regen".to_owned());
    Err(stale.join("\n"))
}

/// What every spec gives now.
fn all() -> Result<Vec<Generated>, String> {
    let specs = workspace::apis()?;
    if specs.is_empty() {
        return Err("there is no spec in specs/".to_owned());
    }
    specs.iter().map(|api| generate_one(api)).collect()
}

/// What one spec gives.
fn generate_one(api: &str) -> Result<Generated, String> {
    let root = workspace::root();
    let file = format!("specs/{api}.yaml");
    let module = workspace::module_name(api);
    let input = Input {
        file: &file,
        text: &workspace::read(&root.join(&file))?,
        module: &format!("crate::raw::{module}"),
    };
    let text = generate(&input).map_err(|findings| format!("{file} can't be generated:\n{findings}"))?;
    let name = format!("generated/{module}.rs");
    Ok(Generated { path: root.join(&name), name, text })
}

/// What is committed; a file that doesn't exist is empty.
fn current(generated: &Generated) -> Result<String, String> {
    if generated.path.exists() { workspace::read(&generated.path) } else { Ok(String::new()) }
}

/// Makes the directory of a file.
fn make_parent(generated: &Generated) -> Outcome {
    let parent = generated.path.parent().unwrap_or(&generated.path);
    std::fs::create_dir_all(parent).map_err(|e| format!("can't make {}: {e}", parent.display()))
}
