//! Waiting for work on a server: one loop for every API.

mod action;
pub(crate) mod checked;
mod into_future;
mod operation;
pub(crate) mod poll;
pub(crate) mod poll_backoff;
mod progress;
#[cfg(feature = "lambda-cloud")]
pub(crate) mod ssh_banner;
mod step_event;
pub(crate) mod until;
mod wait_error;
mod waiting;
mod work;

pub(crate) use futures_util::future::BoxFuture;

pub use action::Action;
pub(crate) use into_future::into_future;
pub use operation::Operation;
pub use progress::Progress;
pub use until::Until;
pub use wait_error::{WaitEnd, WaitError};
pub(crate) use work::{Look, Work};
