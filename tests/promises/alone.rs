//! Tests that have a process to themselves, because they measure its memory or change its limits.

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
    let name = name.split_once("::").map_or(name, |(_, path)| path);
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        return tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test());
    }
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(std::env::current_exe()?);
    command.args([name, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]).env(ALONE, name);
    let done = command.output()?;
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(
        done.status.success() && out.contains("1 passed"),
        "{name}, alone: {}\n{out}\n{err}",
        done.status
    );
    Ok(())
}

/// A test with a process of its own: `alone! { /// Docs. async fn name() -> Outcome { … } }`; with another umask than 022:
/// `alone! { umask "077"; async fn … }`.
macro_rules! alone {
    (umask $umask:literal; async fn $name:ident() -> Outcome $body:block) => {
        #[test]
        fn $name() -> crate::alone::Outcome {
            async fn test() -> crate::alone::Outcome $body
            crate::alone::run_under($umask, concat!(module_path!(), "::", stringify!($name)), test)
        }
    };
    ($(#[$attribute:meta])* async fn $name:ident() -> Outcome $body:block) => {
        #[test]
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
