//! Commands whose results a test plants.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::testing::server::tasks::lock;

/// The planted commands of a fake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commands(Arc<Mutex<Vec<Arc<Plan>>>>);

/// A command of a fake's guests with a planted result; from `command` of a fake.
///
/// Without further calls it succeeds and prints nothing. It holds for every instance of the fake, and inside `sh -c` as
/// well. If a command is planted twice, the later one counts. Dropping this changes nothing.
#[derive(Debug, Clone)]
pub struct PlantedCommand(Arc<Plan>);

#[derive(Debug)]
struct Plan {
    words: Vec<String>,
    result: Mutex<Planned>,
    calls: AtomicUsize,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Planned {
    pub(super) stdout: Bytes,
    pub(super) stderr: Bytes,
    pub(super) code: i32,
}

impl Commands {
    /// Plants a command: its name and arguments, separated by spaces.
    pub(crate) fn plant(&self, command: &str) -> PlantedCommand {
        let words = command.split_whitespace().map(str::to_owned).collect();
        let plan = Arc::new(Plan { words, result: Mutex::default(), calls: AtomicUsize::new(0) });
        lock(&self.0).push(plan.clone());
        PlantedCommand(plan)
    }

    /// What is planted for this command; counts the call.
    pub(super) fn take(&self, argv: &[String]) -> Option<Planned> {
        let plan = lock(&self.0).iter().rev().find(|plan| plan.words == argv).cloned()?;
        plan.calls.fetch_add(1, Ordering::SeqCst);
        Some(lock(&plan.result).clone())
    }
}

impl PlantedCommand {
    /// It prints this to standard output.
    pub fn prints(self, text: impl AsRef<[u8]>) -> Self {
        lock(&self.0.result).stdout = Bytes::copy_from_slice(text.as_ref());
        self
    }

    /// It prints this to standard error.
    pub fn prints_error(self, text: impl AsRef<[u8]>) -> Self {
        lock(&self.0.result).stderr = Bytes::copy_from_slice(text.as_ref());
        self
    }

    /// It exits with this code (default: 0).
    pub fn exits(self, code: u8) -> Self {
        lock(&self.0.result).code = code.into();
        self
    }

    /// How often it was run.
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }
}
