//! The way out: every call of every API, typed or raw, is a [`Request`] that becomes a [`Call`].

mod attempt;
mod attempts;
mod body;
mod call;
pub(crate) mod connect_queue;
pub(crate) mod credential;
mod decode;
mod endpoint;
mod facts;
mod failure;
pub(crate) mod gate;
mod handle;
mod head;
pub(crate) mod http;
pub(crate) mod http_client;
mod label;
pub(crate) mod limits;
pub(crate) mod outgoing;
pub(crate) mod pacing;
mod param;
#[cfg(windlass_planted)]
pub(crate) mod planted;
mod received;
mod request;
pub(crate) mod retry;
mod retry_after;
mod span;
mod stream;
pub(crate) mod tls;
mod upgrade;

pub use call::{Call, Head, WithHead};
pub use endpoint::{Endpoint, Reply, RetryClass};
pub(crate) use facts::Facts;
pub(crate) use failure::{Answer, Explanation};
pub(crate) use handle::{Handle, Shared};
pub use http::Http;
pub(crate) use label::Label;
pub use limits::Limits;
pub use pacing::Pacing;
pub(crate) use param::Param;
pub(crate) use received::Received;
pub(crate) use request::{Request, checked, checked_path};
pub use retry::Retry;
#[cfg(fuzzing)]
pub(crate) use retry_after::retry_after;
pub use stream::{Body, ByteStream};
pub use upgrade::Upgraded;
