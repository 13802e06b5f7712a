//! Typed, safe control of instances.

mod error;
mod page;
pub mod raw;
mod retry;
mod secret;
mod ticket;
mod transport;
mod wait;

pub use error::{Error, Kind, Result, Sent};
pub use page::{Cursor, List, Page};
pub use retry::Retry;
pub use secret::{Secret, SecretMap};
pub use ticket::Ticket;
pub use wait::{Action, Operation, Progress, WaitEnd, WaitError};
