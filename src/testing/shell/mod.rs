//! A very small shell for `exec`: a few commands, no processes.

mod builtins;
mod interpreter;
mod words;

pub(crate) use interpreter::{Addresses, Exit, Files, Shell, Stream, Window};
