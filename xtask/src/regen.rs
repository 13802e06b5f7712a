//! `cargo xtask regen [--check] [--api NAME]`: `generated/<api>.rs` and `chaos/generated/<api>.rs` from
//! `specs/<api>.yaml`.

use std::path::PathBuf;

use windlass_codegen::{Errors, Input, generate, samples};

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

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    /// Only compare.
    check: bool,
    /// Only this one; all, if there is none.
    api: Option<String>,
}

/// Writes what isn't up to date, or with `--check` only compares.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let asked = Asked::parse(args)?;
    let apis = chosen(asked.api, workspace::apis()?)?;
    if asked.check { check(&apis) } else { write(&apis) }
}

impl Asked {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut args = args.iter();
        while let Some(option) = args.next() {
            match *option {
                "--check" => asked.check = true,
                "--api" => asked.api = Some((*args.next().ok_or("--api needs a name")?).to_owned()),
                other => return Err(format!("regen knows --check and --api NAME, not '{other}'")),
            }
        }
        Ok(asked)
    }
}

/// The one that is asked for, or all of them.
fn chosen(api: Option<String>, apis: Vec<String>) -> Result<Vec<String>, String> {
    match api {
        _ if apis.is_empty() => Err("there is no spec in specs/".to_owned()),
        None => Ok(apis),
        Some(api) if apis.contains(&api) => Ok(vec![api]),
        Some(api) => Err(format!("there is no specs/{api}.yaml; --api knows {}", apis.join(", "))),
    }
}

/// Writes each generated file that isn't up to date.
fn write(apis: &[String]) -> Outcome {
    for generated in all(apis)? {
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
fn check(apis: &[String]) -> Outcome {
    let mut stale = Vec::new();
    for generated in all(apis)? {
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

/// Generates from these specs. Reports the problems of all of them.
fn all(apis: &[String]) -> Result<Vec<Generated>, String> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for api in apis {
        match generate_one(api) {
            Ok(generated) => done.extend(generated),
            Err(why) => failed.push(why),
        }
    }
    if failed.is_empty() { Ok(done) } else { Err(failed.join("\n")) }
}

/// What one spec gives: the client, and a call of each of its operations for the tests that try all of them.
fn generate_one(api: &str) -> Result<[Generated; 2], String> {
    let module = workspace::module_name(api);
    Ok([
        generated(api, "generated", &format!("crate::raw::{module}"), generate)?,
        generated(api, "chaos/generated", &format!("windlass::raw::{module}"), samples)?,
    ])
}

type Generate = fn(&Input<'_>) -> Result<String, Errors>;

fn generated(api: &str, directory: &str, module: &str, generate: Generate) -> Result<Generated, String> {
    let root = workspace::root();
    let file = format!("specs/{api}.yaml");
    let input = Input { file: &file, text: &workspace::read(&root.join(&file))?, module };
    let text = generate(&input).map_err(|findings| format!("{file} can't be generated:\n{findings}"))?;
    let name = format!("{directory}/{api}.rs");
    Ok(Generated { path: root.join(&name), name, text })
}

/// The committed text. Empty if the file doesn't exist.
fn current(generated: &Generated) -> Result<String, String> {
    if generated.path.exists() { workspace::read(&generated.path) } else { Ok(String::new()) }
}

/// Makes the directory of a file.
fn make_parent(generated: &Generated) -> Outcome {
    let parent = generated.path.parent().unwrap_or(&generated.path);
    std::fs::create_dir_all(parent).map_err(|e| format!("can't make {}: {e}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line() {
        let api = Some("incus".to_owned());
        assert_eq!(Asked::parse(&["--api", "incus", "--check"]), Ok(Asked { check: true, api }));
        assert_eq!(Asked::parse(&[]), Ok(Asked::default()));
        assert!(Asked::parse(&["--api"]).is_err());
        assert!(Asked::parse(&["incus"]).is_err());
    }

    #[test]
    fn one_api_or_all() {
        let apis = vec!["incus".to_owned(), "koyeb".to_owned()];
        assert_eq!(chosen(None, apis.clone()), Ok(apis.clone()));
        assert_eq!(chosen(Some("koyeb".to_owned()), apis.clone()), Ok(vec!["koyeb".to_owned()]));
        let refused = Err("there is no specs/koyed.yaml; --api knows incus, koyeb".to_owned());
        assert_eq!(chosen(Some("koyed".to_owned()), apis), refused);
        assert!(chosen(None, Vec::new()).is_err());
    }
}
