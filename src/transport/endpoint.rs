//! What the spec says of an operation.

/// An operation of an API, as its spec describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The operation's id.
    pub id: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Whether it may be sent again.
    pub retry: RetryClass,
    /// Statuses by which the service says that it did nothing.
    pub not_processed: &'static [u16],
    /// Every documented status.
    pub statuses: &'static [u16],
    /// What a good answer is.
    pub reply: Reply,
    /// The member of a good answer that calls give back; empty where that is the whole answer.
    pub envelope: &'static str,
    /// Whether the usual time limit of one attempt applies; not so for long polls and streams.
    pub timeout: bool,
}

impl Endpoint {
    /// Whether it documents such an answer as good.
    pub(crate) fn accepts(&self, status: u16) -> bool {
        (status == 101 || (200..300).contains(&status)) && self.statuses.contains(&status)
    }
}

/// May this operation be sent again?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the three answers there are; the verdict must treat each
pub enum RetryClass {
    /// After any transient failure.
    Safe,
    /// Only when it provably never reached the service.
    IfUnsent,
    /// Not even then.
    Never,
}

/// What a good answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum Reply {
    /// A JSON document, read whole before the call returns.
    Json,
    /// Nothing.
    Empty,
    /// Bytes as they come.
    Stream,
    /// A connection of its own.
    Upgrade,
}
