//! Suites: modules of a test program whose tests are ignored elsewhere. Each runs by the names of its tests, so that
//! the end of a run can name those that failed.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Instant;

use crate::{Outcome, workspace};

/// A module of a test program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suite<'a> {
    /// `--test` of cargo.
    pub(crate) program: &'a str,
    /// The path of the module in it.
    pub(crate) module: &'a str,
    /// Arguments of cargo that choose features.
    pub(crate) features: &'a [&'a str],
}

/// What a suite's output says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: Vec<String>,
}

/// What a caller of a command wrote after `--`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Parts of names: a test runs if its name holds one of them.
    names: Vec<String>,
    /// For the test program.
    flags: Vec<String>,
}

impl Choice {
    /// Reads `[-- ARGS...]`; what begins with a dash is a flag, anything else a part of a name.
    pub(crate) fn read(args: &[&str]) -> Result<Self, String> {
        let args = match args {
            [] => &[],
            ["--", args @ ..] => args,
            [other, ..] => {
                return Err(format!("unknown argument '{other}'; arguments for the tests go after --"));
            }
        };
        let (flags, names) = args.iter().map(|&arg| arg.to_owned()).partition(|arg| arg.starts_with('-'));
        Ok(Self { names, flags })
    }

    /// Whether every test runs.
    pub(crate) fn is_all(&self) -> bool {
        self.names.is_empty()
    }

    fn takes(&self, name: &str) -> bool {
        self.is_all() || self.names.iter().any(|part| name.contains(part.as_str()))
    }
}

impl Suite<'_> {
    /// `cargo test` of the program.
    pub(crate) fn command(&self) -> Command {
        let mut command = workspace::cargo();
        command.arg("test").args(self.features).args(["--test", self.program]);
        command
    }

    /// Builds it, so that no server waits for a compiler.
    pub(crate) fn build(&self) -> Outcome {
        workspace::run(self.command().arg("--no-run"))
    }

    /// Whether a chosen test is in it.
    pub(crate) fn has_any(&self, choice: &Choice) -> Result<bool, String> {
        Ok(choice.is_all() || self.names()?.iter().any(|name| choice.takes(name)))
    }

    /// The names of its tests.
    fn names(&self) -> Result<Vec<String>, String> {
        let mut command = self.command();
        let output = command.args(["--quiet", "--", "--ignored", "--list"]).stderr(Stdio::inherit()).output();
        let output = output.map_err(|e| format!("{}: {e}", workspace::shown(&command)))?;
        if !output.status.success() {
            return Err(format!("{}: {}", workspace::shown(&command), output.status));
        }
        Ok(listed(&String::from_utf8_lossy(&output.stdout), self.module))
    }

    /// Runs the chosen tests. `prepare` makes the command that runs: it may wrap cargo's, and set variables.
    pub(crate) fn run(
        &self,
        what: &str,
        choice: &Choice,
        threads: usize,
        prepare: impl FnOnce(Command) -> Command,
    ) -> Result<Tally, String> {
        let (start, mut names) = (Instant::now(), self.names()?);
        if names.is_empty() {
            return Err(format!("{what}: {} has no test", self.module));
        }
        names.retain(|name| choice.takes(name));
        if names.is_empty() {
            return Ok(Tally::default());
        }
        let mut command = prepare(self.command());
        command.args(["--", "--ignored", "--exact"]).arg(format!("--test-threads={threads}"));
        command.args(&choice.flags).args(&names).stdout(Stdio::piped());
        let (tally, success) = run_counting(&mut command)?;
        let (passed, failed) = (tally.passed, tally.failed.len());
        let seconds = start.elapsed().as_secs_f32();
        println!("-- {what}: {}: {passed} passed, {failed} failed, {seconds:.1} s", self.module);
        tally.verdict(what, self.module, names.len(), success)
    }
}

/// The tests of a module in what `--list` prints.
fn listed(output: &str, module: &str) -> Vec<String> {
    let names = output.lines().filter_map(|line| line.strip_suffix(": test"));
    let inside = |name: &&str| name.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"));
    names.filter(inside).map(str::to_owned).collect()
}

impl Tally {
    /// Good only if as many tests passed as there were.
    fn verdict(self, what: &str, module: &str, tests: usize, success: bool) -> Result<Self, String> {
        if success && self.failed.is_empty() && self.passed == tests {
            return Ok(self);
        }
        let of = format!("{} of {tests} tests passed", self.passed);
        let failed: String = self.failed.iter().map(|name| format!("\n    {name}")).collect();
        Err(format!(
            "{what}: {module} failed; {of}{}{failed}",
            if failed.is_empty() { "" } else { "; failed:" }
        ))
    }

    /// Adds a line of the test harness.
    fn count(&mut self, line: &str) {
        let result = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "));
        match result {
            Some((_, result)) if result.starts_with("ok") => self.passed += 1,
            Some((name, result)) if result.starts_with("FAILED") => self.failed.push(name.to_owned()),
            _ => {}
        }
    }
}

/// Runs a command whose output is a test harness's; whether it succeeded, too.
pub(crate) fn run_counting(command: &mut Command) -> Result<(Tally, bool), String> {
    let failed = |e| format!("can't run the tests: {e}");
    let mut child = command.spawn().map_err(failed)?;
    let tally = child.stdout.take().map(echo_and_count).unwrap_or_default();
    let status = child.wait().map_err(failed)?;
    Ok((tally, status.success()))
}

/// Passes the output on as it comes, and counts.
fn echo_and_count(output: ChildStdout) -> Tally {
    let mut tally = Tally::default();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.count(&line);
    }
    tally
}

/// One outcome of many; a failure holds each, so that the end of a run names all that failed.
pub(crate) fn all(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let failures: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\nxtask: ")) }
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
    fn results_are_counted_and_failures_named() {
        let output = "running 3 tests\ntest a::b ... ok\ntest a::c ... FAILED\ntest a::d - should panic ... ok\n\
                      failures:\n    a::c\ntest result: FAILED. 2 passed; 1 failed; 0 ignored";
        let found = tally(output);
        assert_eq!(found, Tally { passed: 2, failed: vec!["a::c".to_owned()] });
        let said = found.verdict("Incus 6.0", "live::incus", 3, false).err().unwrap_or_default();
        assert!(said.contains("2 of 3") && said.contains("a::c"), "{said}");
    }

    #[test]
    fn a_run_that_stops_early_is_no_success() {
        assert!(tally("test a::b ... ok").verdict("x", "y", 2, true).is_err());
        assert!(tally("test a::b ... ok").verdict("x", "y", 1, false).is_err());
        assert!(tally("test a::b ... ok").verdict("x", "y", 1, true).is_ok());
    }

    #[test]
    fn tests_of_one_module_are_listed() {
        let output = "live::incus::a: test\nlive::incus_exec::b: test\nlive::incus::c::d: test\n\n3 tests, 0 benchmarks";
        assert_eq!(listed(output, "live::incus"), ["live::incus::a", "live::incus::c::d"]);
    }

    #[test]
    fn arguments_for_the_tests_come_after_the_dashes() {
        let names = |args: &[&str]| Choice::read(args).map(|choice| (choice.names, choice.flags));
        assert_eq!(names(&[]), Ok((vec![], vec![])));
        assert_eq!(
            names(&["--", "exec", "--nocapture"]),
            Ok((vec!["exec".to_owned()], vec!["--nocapture".to_owned()]))
        );
        assert!(names(&["exec"]).is_err());
        let exec = Choice::read(&["--", "exec"]);
        assert_eq!(
            exec.map(|choice| (choice.takes("live::exec::a"), choice.takes("live::a"))),
            Ok((true, false))
        );
    }
}
