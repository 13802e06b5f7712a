//! Launching an instance: never twice, and never lost.

mod builder;
mod created;
mod marker;
mod send;

pub use builder::Launch;
pub(super) use created::resume;
pub(crate) use marker::MARKER;
