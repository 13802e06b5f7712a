//! Kinds of errors, and whether a request was sent.

use std::fmt;

/// The kind of an error. Kinds mean the same on every API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is invalid. Nothing was sent unless the error has a status.
    InvalidInput,
    /// No credentials, socket or configuration was found, or they are unusable.
    Configuration,
    /// No connection could be made. Nothing was sent.
    Connect,
    /// The server showed an unexpected certificate. Nothing was sent.
    UntrustedServer,
    /// The connection broke before the answer was complete.
    Interrupted,
    /// A time limit was reached.
    Timeout,
    /// The credentials are missing or wrong.
    Unauthenticated,
    /// The credentials don't allow this call.
    PermissionDenied,
    /// The thing doesn't exist.
    NotFound,
    /// The thing already exists.
    AlreadyExists,
    /// The state of the thing doesn't allow this call.
    Conflict,
    /// The thing was changed in the meantime.
    PreconditionFailed,
    /// Too many requests.
    RateLimited,
    /// A limit of this program was exceeded, for example by the output of a command or the entries of a listing.
    LimitExceeded,
    /// The quota of the account is exhausted.
    QuotaExceeded,
    /// The service has no free machine of this type.
    InsufficientCapacity,
    /// The server doesn't support this call.
    Unsupported,
    /// The server is temporarily unavailable.
    Unavailable,
    /// The server failed.
    Server,
    /// The server rejected the request for another reason.
    Rejected,
    /// The answer could not be understood.
    BadReply,
    /// The server accepted the work, but then the work failed.
    OperationFailed,
    /// The work was cancelled.
    Cancelled,
    /// The server no longer knows the operation.
    OperationGone,
    /// It is unknown whether the request took effect; see [`Error::marker`](crate::Error::marker).
    OutcomeUnknown,
    /// A command exited with a status other than 0.
    CommandFailed,
    /// A local file could not be read or written.
    Io,
}

/// Whether the request reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // there is no fourth answer
pub enum Sent {
    /// It did not.
    No,
    /// It did: there was an answer.
    Yes,
    /// It may have.
    Unknown,
}

impl ErrorKind {
    /// The kind for an HTTP status when nothing else is known.
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

    /// Errors about the way to the server: no connection, no file descriptor for one, no answer.
    pub(crate) fn is_out_of_reach(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::Interrupted | Self::Timeout | Self::Unavailable | Self::RateLimited
        )
    }

    /// Errors of a reading request that may pass with time.
    pub(crate) fn may_pass(self) -> bool {
        self.is_out_of_reach() || matches!(self, Self::Server | Self::BadReply)
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
