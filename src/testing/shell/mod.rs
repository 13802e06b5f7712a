//! A very small shell for `exec`: a few commands, no processes.

mod builtins;
mod interpreter;
mod planted;
mod words;

pub(crate) use interpreter::{Addresses, Exit, Files, Shell, Stream, Window};
pub(crate) use planted::Commands;
pub use planted::PlantedCommand;
