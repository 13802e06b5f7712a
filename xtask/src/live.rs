//! `cargo xtask live`: the live suites, each against a private daemon of each generation.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Instant;

use crate::{Outcome, workspace};

/// The supported generations of Incus.
pub(crate) const GENERATIONS: [&str; 2] = ["6.0", "7.0"];
/// The suites, in the order in which they run on each generation.
const SUITES: &[&str] = &[
    // The contract, over the unix socket and over HTTPS.
    "live_incus",
    "live_incus_https",
    // Commands in large numbers.
    "live_incus_exec",
    // Containers in large numbers.
    "live_incus_many",
    // Large transfers.
    "live_incus_transfer",
    // What needs a daemon to be killed.
    "live_incus_restart",
    // The vendor's command against the fake server.
    "vendor_incus",
];
/// The suite that needs a cluster beside the daemon.
const CLUSTER_SUITE: &str = "live_incus_cluster";
/// The variable with the directory of a cluster's members.
const CLUSTER: &str = "WINDLASS_LIVE_INCUS_CLUSTER";
/// The variable with the directory that `session.sh` made, and will remove.
pub(crate) const SESSION: &str = "WINDLASS_LIVE_SESSION";
/// The variable with the host and port where a daemon listens for remote clients.
const HTTPS: &str = "WINDLASS_LIVE_INCUS_HTTPS";
/// The variable with the place of the Debian 13 tree that has Incus 7.0.
const TREE: &str = "WINDLASS_INCUS7_TREE";
/// Where the tree is without the variable.
const DEFAULT_TREE: &str = "/var/cache/windlass/incus-7";

/// One run of this chore.
struct Lab {
    /// The server recipe.
    control: PathBuf,
    /// Holds one directory for each daemon.
    session: PathBuf,
    /// What else goes to the tests.
    extra: Vec<String>,
}

/// A daemon that is up.
struct Daemon<'a> {
    generation: &'a str,
    directory: &'a Path,
    https: &'a str,
}

/// What a suite's output says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
}

/// Runs itself again below `session.sh`, which cleans up in any case; there, runs the suites.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let extra = extra_args(args)?;
    need_root()?;
    match std::env::var_os(SESSION) {
        None => Err(enter_session("live", args)),
        Some(session) => all(&Lab { control: servers().join("incus.sh"), session: session.into(), extra }),
    }
}

/// What follows `[incus] [--]`.
fn extra_args(args: &[&str]) -> Result<Vec<String>, String> {
    let args = args.strip_prefix(&["incus"]).unwrap_or(args);
    match args {
        [] => Ok(Vec::new()),
        ["--", extra @ ..] => Ok(extra.iter().map(|&arg| arg.to_owned()).collect()),
        [other, ..] => Err(format!("no live suite '{other}'; arguments for the tests go after --")),
    }
}

/// Containers, mounts and namespaces all need root.
pub(crate) fn need_root() -> Outcome {
    match std::fs::metadata("/proc/self") {
        Ok(process) if process.uid() == 0 => Ok(()),
        _ => Err("the live suites start Incus daemons: run this as root, on Linux".to_owned()),
    }
}

/// The directory of the server recipes.
pub(crate) fn servers() -> PathBuf {
    workspace::root().join("xtask/servers")
}

/// Becomes `session.sh`; returns only why it couldn't.
pub(crate) fn enter_session(chore: &str, args: &[&str]) -> String {
    let own = std::env::current_exe().unwrap_or_else(|_| "xtask".into());
    let error = Command::new("bash").arg(servers().join("session.sh")).arg(own).arg(chore).args(args).exec();
    format!("can't run bash: {error}")
}

/// Installs, builds, and runs every suite against every generation.
fn all(lab: &Lab) -> Outcome {
    lab.control(&["install-6"])?;
    lab.control(&["install-7", &tree()])?;
    // So that no daemon waits for a compiler.
    workspace::run(test_command(&[SUITES, &[CLUSTER_SUITE]].concat()).arg("--no-run"))?;
    let failures: Vec<String> =
        GENERATIONS.iter().filter_map(|generation| lab.generation(generation).err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\nxtask: ")) }
}

/// A port of this machine that nobody uses now.
fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.to_string()).map_err(|e| format!("no free port: {e}"))
}

/// Where the Debian 13 tree with Incus 7.0 is, or will be.
pub(crate) fn tree() -> String {
    std::env::var(TREE).unwrap_or_else(|_| DEFAULT_TREE.to_owned())
}

/// `cargo test` of some suites.
fn test_command(suites: &[&str]) -> Command {
    let mut command = workspace::cargo();
    command.arg("test");
    for suite in suites {
        command.args(["--test", suite]);
    }
    command
}

impl Lab {
    /// Runs one subcommand of the server recipe.
    fn control(&self, args: &[&str]) -> Outcome {
        workspace::run(Command::new("bash").arg(&self.control).args(args))
    }

    /// Runs the suites against one generation, and takes its daemon down again.
    fn generation(&self, generation: &str) -> Outcome {
        let directory = self.session.join(generation);
        let path = directory.display().to_string();
        println!("== Incus {generation}");
        let https = free_address()?;
        let up = Command::new("bash")
            .arg(&self.control)
            .args(["up", &path])
            .env("WINDLASS_LIVE_INCUS_GENERATION", generation)
            .env(HTTPS, &https)
            .status();
        if !up.is_ok_and(|status| status.success()) {
            return Err(format!("Incus {generation} didn't start"));
        }
        let daemon = Daemon { generation, directory: &directory, https: &https };
        let outcome = match (self.all_suites(&daemon), self.cluster(&daemon)) {
            (Ok(0), Ok(0)) => Err(format!("Incus {generation}: no test ran")),
            (alone, together) => alone.and(together).map(drop),
        };
        let down = self.control(&["down", &path]);
        outcome.and(down)
    }

    /// Runs the suites against a daemon that is up. Arguments may select tests of one suite only.
    fn all_suites(&self, daemon: &Daemon<'_>) -> Result<usize, String> {
        let (generation, mut passed, mut failures) = (daemon.generation, 0, Vec::new());
        for suite in SUITES {
            // One that fails doesn't keep the others from telling what they find.
            match self.suite(daemon, suite) {
                Ok(tally) if tally.passed == 0 && self.extra.is_empty() => {
                    failures.push(format!("Incus {generation}: {suite} ran no test"));
                }
                Ok(tally) => passed += tally.passed,
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() { Ok(passed) } else { Err(failures.join("\nxtask: ")) }
    }

    /// Runs the suite that needs a cluster, beside the daemon that is up.
    fn cluster(&self, daemon: &Daemon<'_>) -> Result<usize, String> {
        let generation = daemon.generation;
        let recipe = servers().join("incus-cluster.sh");
        let members = self.session.join(format!("{generation}-cluster"));
        let control = |verb: &str| {
            let mut command = Command::new("bash");
            command.arg(&recipe).arg(verb).arg(&members).env("WINDLASS_LIVE_INCUS_GENERATION", generation);
            workspace::run(&mut command)
        };
        control("up")?;
        let tally = self.suite(daemon, CLUSTER_SUITE);
        control("down")?;
        match tally? {
            Tally { passed: 0, .. } if self.extra.is_empty() => {
                Err(format!("Incus {generation}: {CLUSTER_SUITE} ran no test"))
            }
            tally => Ok(tally.passed),
        }
    }

    /// Runs one suite; an error when a test failed.
    fn suite(&self, daemon: &Daemon<'_>, suite: &str) -> Result<Tally, String> {
        let Daemon { generation, directory, https } = *daemon;
        let start = Instant::now();
        let mut command = test_command(&[suite]);
        command
            .args(["--", "--ignored", "--test-threads=2"])
            .args(&self.extra)
            .env("WINDLASS_LIVE_INCUS_SOCKET", directory.join("unix.socket"))
            .env(HTTPS, https)
            .env(CLUSTER, self.session.join(format!("{generation}-cluster")))
            .env("WINDLASS_LIVE_INCUS_GENERATION", generation)
            .env("WINDLASS_LIVE_INCUS_DIR", directory)
            .env("WINDLASS_LIVE_INCUS_CONTROL", &self.control)
            .stdout(Stdio::piped());
        let (tally, success) = run_counting(&mut command)?;
        let Tally { passed, failed } = tally;
        let seconds = start.elapsed().as_secs_f32();
        println!("-- Incus {generation}: {suite}: {passed} passed, {failed} failed, {seconds:.1} s");
        if success && failed == 0 { Ok(tally) } else { Err(format!("Incus {generation}: {suite} failed")) }
    }
}

/// Runs a command whose output is a test harness's; whether it succeeded, too.
fn run_counting(command: &mut Command) -> Result<(Tally, bool), String> {
    let failed = |e| format!("can't run cargo test: {e}");
    let mut child = command.spawn().map_err(failed)?;
    let tally = child.stdout.take().map(echo_and_count).unwrap_or_default();
    let status = child.wait().map_err(failed)?;
    Ok((tally, status.success()))
}

/// Passes the output on while it comes, and counts.
fn echo_and_count(output: ChildStdout) -> Tally {
    let mut tally = Tally::default();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.count(&line);
    }
    tally
}

impl Tally {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; …`.
    fn count(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        self.passed += number_before(result, " passed");
        self.failed += number_before(result, " failed");
    }
}

/// The number that stands right before a word; 0 without one.
fn number_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().unwrap_or_default();
    let number = before.rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.count(line));
        tally
    }

    #[test]
    fn counts_what_the_harness_says() {
        let passed =
            "running 12 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(tally(passed), Tally { passed: 12, failed: 0 });
        let failed = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out";
        assert_eq!(tally(failed), Tally { passed: 3, failed: 2 });
        assert_eq!(tally("running 0 tests\ntest a ... ok\n"), Tally::default());
    }

    #[test]
    fn arguments_for_the_tests_come_after_the_dashes() {
        assert_eq!(extra_args(&[]), Ok(vec![]));
        assert_eq!(extra_args(&["incus"]), Ok(vec![]));
        assert_eq!(extra_args(&["incus", "--", "exec"]), Ok(vec!["exec".to_owned()]));
        assert_eq!(extra_args(&["--", "--nocapture"]), Ok(vec!["--nocapture".to_owned()]));
        assert!(extra_args(&["koyeb"]).is_err());
        assert!(extra_args(&["incus", "exec"]).is_err());
    }
}
