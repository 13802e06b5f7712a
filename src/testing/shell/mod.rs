//! A small shell for `exec`: a few commands, no processes. What it can't do ends the command with status 2 and a
//! message that names it.

mod arithmetic;
mod builtins;
mod compound;
mod condition;
mod expansion;
mod interpreter;
mod limits;
mod parser;
mod planted;
mod plumbing;
mod script;
mod special;
mod statements;
mod syntax;
mod variables;
mod words;

pub(crate) use interpreter::{Addresses, Files, Guest, Window};
pub(crate) use planted::Commands;
pub use planted::{CommandResult, PlantedCommand, PlantedProgram};
pub(crate) use plumbing::Stream;
