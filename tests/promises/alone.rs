//! Tests that have a process to themselves, because they measure its memory or change its limits.

use std::path::Path;
use std::process::Command;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Set in the process that has one test to itself.
const ALONE: &str = "WINDLASS_TEST_ALONE";

/// Runs `test` in a new process of this program, or here if this is that process. `name` is the full name of the test.
pub fn run<F: Future<Output = Outcome>>(name: &str, test: impl FnOnce() -> F) -> Outcome {
    run_under("022", name, test)
}

/// As [`run`], with this umask.
pub fn run_under<F: Future<Output = Outcome>>(umask: &str, name: &str, test: impl FnOnce() -> F) -> Outcome {
    run_with(umask, &[], name, test)
}

/// As [`run_under`], with these variables.
pub fn run_with<F: Future<Output = Outcome>>(
    umask: &str,
    variables: &[(&str, &Path)],
    name: &str,
    test: impl FnOnce() -> F,
) -> Outcome {
    let name = name.split_once("::").map_or(name, |(_, path)| path);
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        return tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test());
    }
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(std::env::current_exe()?);
    command.args([name, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]).env(ALONE, name);
    command.envs(variables.iter().copied());
    let done = command.output()?;
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(
        done.status.success() && out.contains("1 passed"),
        "{}\n{name}, alone: {}\n{out}\n{err}",
        failure(&err),
        done.status
    );
    Ok(())
}

/// What went wrong first: a panic with what it says, or the error that the test returned. The rest may get cut off.
fn failure(err: &str) -> String {
    let begins = |line: &&str| line.contains("panicked at") || line.starts_with("Error: ");
    let ends = |line: &&str| line.starts_with("note: ") || line.starts_with("stack backtrace:");
    let lines = err.lines().skip_while(|line| !begins(line)).take_while(|line| !ends(line));
    lines.take(8).flat_map(|line| line.chars().take(400).chain(['\n'])).collect()
}

#[test]
fn a_failure_is_told_first_and_in_few_words() {
    let panic = "thread 'a' (7) panicked at tests/a.rs:1:2:\nassertion failed\n  left: 1\n right: 2\n";
    let long = "x".repeat(1_000_000);
    let err = format!("{long}\n\n{panic}note: run with\n{long}");
    assert_eq!(failure(&err), panic);
    assert_eq!(failure("noise\nError: Custom\n"), "Error: Custom\n");
    assert!(failure(&format!("Error: {}", format!("{long}\n").repeat(10))).len() < 3_300);
    assert_eq!(failure("killed"), "");
}

/// A test with a process of its own: `alone! { /// Docs. async fn name() -> Outcome { … } }`; with another umask than 022:
/// `alone! { umask "077"; async fn … }`.
macro_rules! alone {
    (umask $umask:literal; async fn $name:ident() -> Outcome $body:block) => {
        #[test]
        #[cfg_attr(not(target_os = "linux"), ignore = "needs a umask")]
        fn $name() -> crate::alone::Outcome {
            async fn test() -> crate::alone::Outcome $body
            crate::alone::run_under($umask, concat!(module_path!(), "::", stringify!($name)), test)
        }
    };
    ($(#[$attribute:meta])* async fn $name:ident() -> Outcome $body:block) => {
        #[test]
        #[cfg_attr(not(target_os = "linux"), ignore = "measures memory by /proc")]
        $(#[$attribute])*
        fn $name() -> crate::alone::Outcome {
            async fn test() -> crate::alone::Outcome $body
            crate::alone::run(concat!(module_path!(), "::", stringify!($name)), test)
        }
    };
}
pub(crate) use alone;

/// A line of `/proc/self/status` in bytes: `VmRSS` is what is in memory now, `VmHWM` the most there ever was.
pub fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
    let kib: u64 = found.and_then(|found| found.split_whitespace().next()).unwrap().parse().unwrap();
    kib * 1024
}
