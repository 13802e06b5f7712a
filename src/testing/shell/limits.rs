//! Why a script is stopped, and what it may use up.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Commands, turns of loops, and pieces of output to files.
const STEPS: usize = 100_000;

/// What is written to files, in bytes.
const WRITTEN: usize = 8 << 20;

/// Ends a whole command, not only the shell that meets it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    /// The reader went away, as with SIGPIPE.
    Broken,
    /// Something that the shell can't or won't do.
    Fault(String),
}

impl Stop {
    pub(super) fn unsupported(what: impl AsRef<str>) -> Stop {
        Stop::Fault(format!("this fake's shell can't do {}", what.as_ref()))
    }

    pub(super) fn limit(what: &str) -> Stop {
        Stop::Fault(format!("stopped by this fake's shell: {what}"))
    }
}

/// What a command has used up, with all shells in it.
#[derive(Debug, Default)]
pub(super) struct Budget {
    steps: AtomicUsize,
    written: AtomicUsize,
}

impl Budget {
    /// Counts a step. Now and then it lets other tasks run, so that an endless loop can be killed.
    pub(super) async fn step(&self) -> Result<(), Stop> {
        let steps = self.steps.fetch_add(1, Ordering::Relaxed);
        if steps >= STEPS {
            return Err(Stop::limit("more than 100000 steps"));
        }
        if steps % 64 == 63 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    pub(super) fn write(&self, bytes: usize) -> Result<(), Stop> {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        match before.saturating_add(bytes) > WRITTEN {
            true => Err(Stop::limit("more than 8 MiB written to files")),
            false => Ok(()),
        }
    }
}
