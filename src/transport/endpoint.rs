//! An operation, as its spec describes it.

/// An operation of an API, as its spec describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The id of the operation.
    pub id: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// When it may be sent again.
    pub retry: RetryClass,
    /// Statuses with which the service says that it did nothing.
    pub not_processed: &'static [u16],
    /// All documented statuses.
    pub statuses: &'static [u16],
    /// The kind of a good answer.
    pub reply: Reply,
    /// The member of a good answer that holds the data. Empty if that is the whole answer.
    pub envelope: &'static str,
    /// Whether the time limit of an attempt applies. Not so for long polls and streams.
    pub timeout: bool,
}

impl Endpoint {
    /// The path that is sent. What follows a `#` tells operations with the same path apart.
    pub(crate) fn route(&self) -> &'static str {
        self.path.split('#').next().unwrap_or_default()
    }

    /// Whether this status is documented as good.
    pub(crate) fn accepts(&self, status: u16) -> bool {
        (status == 101 || (200..300).contains(&status)) && self.statuses.contains(&status)
    }
}

/// When an operation may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // there are three classes, and the verdict must handle each
pub enum RetryClass {
    /// After any transient failure.
    Safe,
    /// Only if it certainly never reached the service.
    IfUnsent,
    /// Never.
    Never,
}

/// The kind of a good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum Reply {
    /// A JSON document, read completely before the call returns.
    Json,
    /// No body.
    Empty,
    /// A stream of bytes.
    Stream,
    /// A connection.
    Upgrade,
}
