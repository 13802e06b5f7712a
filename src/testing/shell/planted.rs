//! Commands whose results a test plants.

use std::fmt;
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
pub struct PlantedCommand {
    plan: Arc<Plan>,
    result: Arc<Mutex<CommandResult>>,
}

/// A program of a fake's guests whose results a function plants; from `program` of a fake.
///
/// It holds for every instance of the fake, and inside `sh -c` as well. If a program or a command of it is planted
/// twice, the later one counts. Dropping this changes nothing.
#[derive(Debug, Clone)]
pub struct PlantedProgram(Arc<Plan>);

/// What a planted program prints and how it ends. A new one prints nothing and succeeds.
#[derive(Debug, Clone, Default)]
pub struct CommandResult {
    pub(super) stdout: Bytes,
    pub(super) stderr: Bytes,
    pub(super) code: u8,
}

/// One planting.
#[derive(Debug)]
struct Plan {
    which: Which,
    answer: Answer,
    /// The arguments of each call.
    calls: Mutex<Vec<Vec<String>>>,
}

/// The commands that a planting is about.
#[derive(Debug)]
enum Which {
    /// Exactly these words.
    Words(Vec<String>),
    /// This name with any arguments.
    Program(String),
}

type Function = dyn Fn(&[String]) -> CommandResult + Send + Sync;

struct Answer(Box<Function>);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

impl Which {
    fn matches(&self, argv: &[String]) -> bool {
        match self {
            Self::Words(words) => words == argv,
            Self::Program(name) => argv.first() == Some(name),
        }
    }
}

impl Commands {
    /// Plants a command: its name and arguments, separated by spaces.
    pub(crate) fn plant(&self, command: &str) -> PlantedCommand {
        let words = command.split_whitespace().map(str::to_owned).collect();
        let result = Arc::new(Mutex::new(CommandResult::default()));
        let planted = result.clone();
        let plan = self.add(Which::Words(words), move |_| lock(&planted).clone());
        PlantedCommand { plan, result }
    }

    /// Plants a program, whatever its arguments.
    pub(crate) fn program(
        &self,
        name: &str,
        answer: impl Fn(&[String]) -> CommandResult + Send + Sync + 'static,
    ) -> PlantedProgram {
        PlantedProgram(self.add(Which::Program(name.to_owned()), answer))
    }

    fn add(
        &self,
        which: Which,
        answer: impl Fn(&[String]) -> CommandResult + Send + Sync + 'static,
    ) -> Arc<Plan> {
        let plan = Arc::new(Plan { which, answer: Answer(Box::new(answer)), calls: Mutex::default() });
        lock(&self.0).push(plan.clone());
        plan
    }

    /// What is planted for this command; notes the call.
    pub(super) fn take(&self, argv: &[String]) -> Option<CommandResult> {
        let plan = lock(&self.0).iter().rev().find(|plan| plan.which.matches(argv)).cloned()?;
        let arguments = argv.get(1..).unwrap_or_default();
        lock(&plan.calls).push(arguments.to_vec());
        // Without a lock: the function may plant and ask, too.
        Some((plan.answer.0)(arguments))
    }
}

impl PlantedCommand {
    /// It prints this to standard output.
    pub fn prints(self, text: impl AsRef<[u8]>) -> Self {
        self.with(|result| result.prints(text))
    }

    /// It prints this to standard error.
    pub fn prints_error(self, text: impl AsRef<[u8]>) -> Self {
        self.with(|result| result.prints_error(text))
    }

    /// It exits with this code (default: 0).
    pub fn exits(self, code: u8) -> Self {
        self.with(|result| result.exits(code))
    }

    /// How often it was run.
    pub fn calls(&self) -> usize {
        lock(&self.plan.calls).len()
    }

    fn with(self, change: impl FnOnce(CommandResult) -> CommandResult) -> Self {
        let mut result = lock(&self.result);
        *result = change(std::mem::take(&mut *result));
        drop(result);
        self
    }
}

impl PlantedProgram {
    /// The arguments of each call so far, oldest first.
    pub fn calls(&self) -> Vec<Vec<String>> {
        lock(&self.0.calls).clone()
    }
}

impl CommandResult {
    /// It prints nothing and exits with 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, printing this to standard output.
    pub fn prints(self, text: impl AsRef<[u8]>) -> Self {
        Self { stdout: Bytes::copy_from_slice(text.as_ref()), ..self }
    }

    /// The same, printing this to standard error.
    pub fn prints_error(self, text: impl AsRef<[u8]>) -> Self {
        Self { stderr: Bytes::copy_from_slice(text.as_ref()), ..self }
    }

    /// The same, exiting with this code.
    pub fn exits(self, code: u8) -> Self {
        Self { code, ..self }
    }
}
