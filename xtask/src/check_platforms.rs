//! `cargo xtask check-platforms`: the library on Windows and macOS, with each set of features.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, pypi, workspace};

/// The targets; `rustup target add` gets what Rust needs for them.
const WINDOWS: &str = "x86_64-pc-windows-gnu";
const MACOS: &str = "aarch64-apple-darwin";
/// ring is partly C. For Windows Debian has a compiler, for macOS this is one.
const ZIG: &str = "ziglang==0.17.1";
/// Checks all sets for both targets.
pub(crate) fn run() -> Outcome {
    let directory = workspace::target().join("check-platforms");
    std::fs::create_dir_all(&directory).map_err(|e| format!("can't make {}: {e}", directory.display()))?;
    let compiler = compiler(&directory)?;
    let sets = feature_sets(&workspace::apis()?);
    for target in [WINDOWS, MACOS] {
        for features in &sets {
            println!("{target}, features: {}", if features.is_empty() { "none" } else { features });
            workspace::run(&mut check(target, features, &directory, &compiler))?;
        }
    }
    Ok(())
}

/// No API, each alone, all, and all with their fakes.
fn feature_sets(apis: &[String]) -> Vec<String> {
    let all = apis.join(",");
    let alone = apis.iter().cloned();
    [String::new()].into_iter().chain(alone).chain([all.clone(), format!("{all},testing")]).collect()
}

/// Clippy checks as the compiler does, and its warnings can be errors without building the dependencies again.
fn check(target: &str, features: &str, directory: &Path, compiler: &Path) -> Command {
    let mut command = workspace::cargo();
    command.args(["clippy", "--quiet", "--package", "windlass", "--lib", "--no-default-features"]);
    command.args(["--features", features, "--target", target, "--", "--deny", "warnings"]);
    command.env("CC_aarch64_apple_darwin", compiler);
    // Asked for otherwise by a command that only macOS has. Nothing is read from it.
    command.env("SDKROOT", directory);
    command.envs(["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"].map(|name| (name, directory.join("zig"))));
    command
}

/// Zig's C compiler, behind a script that leaves off what only Apple's compilers know.
fn compiler(directory: &Path) -> Result<PathBuf, String> {
    let (python, script) = (pypi::python_with(ZIG)?, directory.join("cc"));
    let text = format!(
        r#"#!/bin/sh
for argument do
  shift
  case $argument in
    --target=* | -mmacosx-version-min=*) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec '{}' -m ziglang cc -target aarch64-macos "$@"
"#,
        python.display()
    );
    workspace::write(&script, &text)?;
    let mode = std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755));
    mode.map_err(|e| format!("can't change {}: {e}", script.display()))?;
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_of_features_is_checked() {
        let sets = feature_sets(&["a".to_owned(), "b-c".to_owned()]);
        assert_eq!(sets, ["", "a", "b-c", "a,b-c", "a,b-c,testing"]);
    }
}
