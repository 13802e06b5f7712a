//! What this system has for local clients besides loopback ports: see `unix` and `elsewhere`.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use elsewhere::{LocalDoor, take_over};
#[cfg(unix)]
pub(crate) use unix::{LocalDoor, take_over};
