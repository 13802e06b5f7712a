//! Typed, safe control of instances.

#[allow(dead_code)]
mod config;
mod error;
#[cfg(feature = "incus")]
pub mod incus;
mod page;
mod process;
pub mod raw;
mod retry;
mod secret;
mod socket;
#[cfg(feature = "testing")]
pub mod testing;
mod ticket;
mod transport;
mod wait;

pub use error::{Error, Kind, Result, Sent};
#[cfg(feature = "incus")]
pub use incus::Incus;
pub use page::{Cursor, List, Page};
pub use process::{Chunk, ExitStatus, Output, Process};
pub use retry::Retry;
pub use secret::{Secret, SecretMap};
pub use ticket::Ticket;
pub use wait::{Action, Operation, Progress, WaitEnd, WaitError};
