//! `cargo xtask bench-build`: the cost of a cold debug build of windlass, compared with its HTTP stack alone. Linux
//! only: the CPU time of child processes comes from `/proc`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, workspace};

/// Built alone, each by the feature of its name.
const APIS: [&str; 4] = ["incus", "koyeb", "lambda-cloud", "shakenfist"];
/// Rounds without an argument.
const ROUNDS: usize = 2;
/// Clock ticks of `/proc/<pid>/stat` in a second: fixed for programs on Linux.
const TICKS: f64 = 100.0;
/// The baseline: everything a program needs for HTTPS.
const BASELINE: &str = r#"[package]
name = "baseline"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
reqwest = { version = "0.13", default-features = false, features = ["json", "query", "stream", "rustls-no-provider"] }
rustls = { version = "0.23", default-features = false, features = ["ring", "std", "tls12"] }
tokio = { version = "1", features = ["macros", "rt", "sync", "time", "fs", "io-util"] }

# As in the workspace: what is compared is the code.
[profile.dev]
debug = "line-tables-only"

[profile.dev.package."*"]
debug = false
"#;

/// One of the builds.
struct Build {
    name: &'static str,
    /// The directory of its manifest.
    directory: PathBuf,
    /// Which package and features. Without the package, cargo would build all default members of the workspace.
    features: Vec<String>,
    /// User CPU seconds of each round.
    seconds: Vec<f64>,
}

/// Builds them in turn, and prints how they compare.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let rounds = match args {
        [] => ROUNDS,
        [rounds] => rounds.parse().map_err(|_| format!("'{rounds}' isn't a number of rounds"))?,
        _ => return Err("bench-build takes one number of rounds".to_owned()),
    };
    user_seconds()?;
    let scratch = std::env::temp_dir().join(format!("windlass-bench-build-{}", std::process::id()));
    let outcome = measure(&scratch, rounds.max(1));
    // Gigabytes: removed even after a failure.
    let _ = std::fs::remove_dir_all(&scratch);
    outcome
}

/// The measurement itself. One round after the other: a machine that slows down slows all of them.
fn measure(scratch: &Path, rounds: usize) -> Outcome {
    let baseline = write_baseline(scratch)?;
    let alone = |api: &str| ["-p", "windlass", "--no-default-features", "--features", api].map(str::to_owned);
    let mut builds: Vec<_> =
        APIS.iter().map(|api| build(api, workspace::root(), alone(api).to_vec())).collect();
    builds.push(build("all", workspace::root(), vec!["-p".to_owned(), "windlass".to_owned()]));
    builds.push(build("baseline", baseline, Vec::new()));
    for build in &builds {
        workspace::run(build.cargo("fetch").arg("--quiet"))?;
    }
    for round in 1..=rounds {
        for build in &mut builds {
            let seconds = build.cold(&scratch.join("target"))?;
            println!("round {round}: {:12} {seconds:6.1} s of user time", build.name);
            build.seconds.push(seconds);
        }
    }
    report(&builds)
}

/// A build that hasn't run yet.
fn build(name: &'static str, directory: PathBuf, features: Vec<String>) -> Build {
    Build { name, directory, features, seconds: Vec::new() }
}

/// Writes the baseline crate; the workspace's lock file gives it the same versions.
fn write_baseline(scratch: &Path) -> Result<PathBuf, String> {
    let directory = scratch.join("baseline");
    let source = directory.join("src");
    std::fs::create_dir_all(&source).map_err(|e| format!("can't make {}: {e}", source.display()))?;
    workspace::write(&directory.join("Cargo.toml"), BASELINE)?;
    workspace::write(&source.join("lib.rs"), "//! Nothing but its dependencies.\n")?;
    let lock = workspace::read(&workspace::root().join("Cargo.lock"))?;
    workspace::write(&directory.join("Cargo.lock"), &lock)?;
    Ok(directory)
}

impl Build {
    /// A cargo command in its directory.
    fn cargo(&self, subcommand: &str) -> Command {
        let mut command = workspace::cargo();
        command.current_dir(&self.directory).arg(subcommand);
        command
    }

    /// Builds from scratch, and returns the user seconds.
    fn cold(&self, target: &Path) -> Result<f64, String> {
        let mut command = self.cargo("build");
        command.args(["--lib", "--quiet", "--offline"]).args(&self.features);
        command.env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0");
        let before = user_seconds()?;
        workspace::run(&mut command)?;
        let spent = user_seconds()? - before;
        std::fs::remove_dir_all(target).map_err(|e| format!("can't remove {}: {e}", target.display()))?;
        Ok(spent)
    }

    /// The number of crates it compiles.
    fn crates(&self) -> Result<usize, String> {
        let mut command = self.cargo("tree");
        command.args(["--offline", "--edges", "normal,build", "--prefix", "none"]);
        let output = command.args(&self.features).output();
        let output = output.map_err(|e| format!("can't run cargo tree: {e}"))?;
        match output.status.success() {
            true => Ok(unique_crates(&String::from_utf8_lossy(&output.stdout))),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// The minimum: the round with the least noise.
    fn best(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// The crates of `cargo tree --prefix none`: a name and a version begin each line.
fn unique_crates(tree: &str) -> usize {
    let named = |line: &str| {
        Some(line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).filter(|s| !s.is_empty())
    };
    tree.lines().filter_map(named).collect::<BTreeSet<_>>().len()
}

/// Prints the comparison.
fn report(builds: &[Build]) -> Outcome {
    let [.., baseline] = builds else { return Err("nothing was built".to_owned()) };
    for build in builds {
        let crates = build.crates()?;
        println!(
            "{:12} {crates} crates, {:.1} s of user time, {:.2} of the baseline",
            build.name,
            build.best(),
            build.best() / baseline.best(),
        );
    }
    Ok(())
}

/// The user CPU time of all ended children and their children.
fn user_seconds() -> Result<f64, String> {
    let stat = workspace::read(Path::new("/proc/self/stat"))?;
    let ticks = children_ticks(&stat).ok_or("can't read /proc/self/stat: bench-build is for Linux")?;
    Ok(ticks as f64 / TICKS)
}

/// `cutime`, the 16th field. The second one, the program's name, may have spaces and ends with a parenthesis.
fn children_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(13)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{children_ticks, unique_crates};

    #[test]
    fn finds_the_time_of_children_behind_any_name() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194304 100 200 0 0 11 12 1300 14 20 0 1 0 5 6 7";
        assert_eq!(children_ticks(stat), Some(1300));
        assert_eq!(children_ticks("42 (a"), None);
    }

    #[test]
    fn counts_each_version_once() {
        let tree = "windlass v0.1.0 (/somewhere)\nserde v1.0.1\nserde v1.0.1 (*)\n\nsyn v2.0.0 (proc-macro)\nsyn v3.0.0\n";
        assert_eq!(unique_crates(tree), 4);
    }
}
