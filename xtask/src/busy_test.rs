//! `cargo xtask busy-test`: runs the README's test command several times on a busy machine.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::suite::{self, Tally};
use crate::{Outcome, workspace};

/// Runs without an argument.
const RUNS: usize = 5;
/// Processes that keep the machine busy.
const BUSY: usize = 8;

/// This program, even if building the tests has replaced its file.
const OWN: &str = "/proc/self/exe";

/// Busy processes, killed on drop.
pub(crate) struct Busy(Vec<Child>);

impl Busy {
    pub(crate) fn start() -> Result<Self, String> {
        let mut busy = Self(Vec::new());
        for _ in 0..BUSY {
            let child = Command::new(OWN).arg("spin").stdin(Stdio::piped()).spawn();
            busy.0.push(child.map_err(|e| format!("can't start a busy process: {e}"))?);
        }
        Ok(busy)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A busy process. It ends with its standard input, so it can't outlive this command.
pub(crate) fn spin() -> Outcome {
    std::thread::spawn(|| {
        let mut number = 0_u64;
        loop {
            number = std::hint::black_box(number.wrapping_mul(31).wrapping_add(7));
        }
    });
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).map(drop).map_err(|e| format!("standard input: {e}"))
}

/// Runs the tests, and prints how often each failed.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let runs = match args {
        [] => RUNS,
        [runs] => runs.parse().map_err(|_| format!("'{runs}' isn't a number of runs"))?,
        _ => return Err("busy-test takes one number of runs".to_owned()),
    };
    workspace::run(tests().arg("--no-run"))?;
    let busy = Busy::start()?;
    let mut failures = BTreeMap::<String, usize>::new();
    let mut bad = 0;
    for run in 1..=runs {
        let start = Instant::now();
        let (Tally { passed, failed }, success) = suite::run_counting(tests().stdout(Stdio::piped()))?;
        let seconds = start.elapsed().as_secs();
        println!(
            "-- run {run} beside {BUSY} busy processes: {passed} passed, {} failed, {seconds} s",
            failed.len()
        );
        bad += usize::from(!success);
        failed.into_iter().for_each(|name| *failures.entry(name).or_default() += 1);
    }
    drop(busy);
    verdict(runs, bad, &failures)
}

/// The command in README.md, without stopping after the first failing program.
fn tests() -> Command {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    command
}

fn verdict(runs: usize, bad: usize, failures: &BTreeMap<String, usize>) -> Outcome {
    if bad == 0 && failures.is_empty() {
        println!("all {runs} runs passed");
        return Ok(());
    }
    let lines: String = failures.iter().map(|(name, times)| format!("\n    {times} x {name}")).collect();
    Err(format!("{bad} of {runs} runs failed{lines}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_name() {
        assert!(verdict(5, 0, &BTreeMap::new()).is_ok());
        assert!(verdict(5, 1, &BTreeMap::new()).is_err());
        let said = verdict(5, 2, &BTreeMap::from([("a::b".to_owned(), 2)]));
        assert_eq!(said, Err("2 of 5 runs failed\n    2 x a::b".to_owned()));
    }
}
