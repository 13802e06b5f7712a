//! Kinds of errors, and whether a request was sent.

use std::fmt;

/// What went wrong, in words that mean the same on every API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument can't be right; nothing was sent unless there is a status.
    InvalidInput,
    /// No credentials, socket or configuration was found, or they can't be used.
    Configuration,
    /// No connection could be made: nothing was sent.
    Connect,
    /// Somebody answered, but not with the certificate that was expected: nothing was sent.
    UntrustedServer,
    /// The connection broke before the whole answer was there.
    Interrupted,
    /// The time limit of the call was reached.
    Timeout,
    /// The credentials are missing or wrong.
    Unauthenticated,
    /// The credentials don't suffice.
    PermissionDenied,
    /// There is no such thing.
    NotFound,
    /// There already is such a thing.
    AlreadyExists,
    /// The thing is in a state that doesn't allow this.
    Conflict,
    /// Somebody else changed the thing in the meantime.
    PreconditionFailed,
    /// Too many requests.
    RateLimited,
    /// More came than a limit of this program allows: output of a command, entries of a listing.
    LimitExceeded,
    /// The account may not have more.
    QuotaExceeded,
    /// The service has no free machine of that kind.
    InsufficientCapacity,
    /// The server doesn't know this call.
    Unsupported,
    /// The server can't answer at the moment.
    Unavailable,
    /// The server failed.
    Server,
    /// The server refused for a reason of its own.
    Rejected,
    /// The answer can't be understood.
    BadReply,
    /// The server accepted the work, and then the work failed.
    OperationFailed,
    /// The work was cancelled.
    Cancelled,
    /// The server no longer knows the work that was waited for.
    OperationGone,
    /// It can't be told whether something was created; see [`Error::marker`](crate::Error::marker).
    OutcomeUnknown,
    /// A command ended with a status other than 0.
    CommandFailed,
    /// A file of this machine can't be read or written.
    Io,
}

/// Did the request reach the server?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // no fourth answer exists
pub enum Sent {
    /// Certainly not.
    No,
    /// Yes: there was an answer.
    Yes,
    /// It may have.
    Unknown,
}

impl ErrorKind {
    /// The kind that fits a status when nothing else is known.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            400 | 422 => Self::InvalidInput,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 | 410 => Self::NotFound,
            408 | 502..=504 => Self::Unavailable,
            409 => Self::Conflict,
            412 => Self::PreconditionFailed,
            429 => Self::RateLimited,
            405 | 501 => Self::Unsupported,
            500..=599 => Self::Server,
            400..=499 => Self::Rejected,
            _ => Self::BadReply,
        }
    }

    fn phrase(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid input",
            Self::Configuration => "not configured",
            Self::Connect => "no connection",
            Self::UntrustedServer => "server not trusted",
            Self::Interrupted => "connection interrupted",
            Self::Timeout => "out of time",
            Self::Unauthenticated => "not authenticated",
            Self::PermissionDenied => "permission denied",
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "changed in the meantime",
            Self::RateLimited => "too many requests",
            Self::LimitExceeded => "limit exceeded",
            Self::QuotaExceeded => "quota exceeded",
            Self::InsufficientCapacity => "no capacity",
            Self::Unsupported => "not supported by the server",
            Self::Unavailable => "server unavailable",
            Self::Server => "server error",
            Self::Rejected => "rejected",
            Self::BadReply => "reply not understood",
            Self::OperationFailed => "operation failed",
            Self::Cancelled => "operation cancelled",
            Self::OperationGone => "operation no longer known",
            Self::OutcomeUnknown => "outcome unknown",
            Self::CommandFailed => "command failed",
            Self::Io => "local file",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.phrase())
    }
}
