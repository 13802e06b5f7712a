//! Waits that end without the result.

use std::fmt;
use std::time::Duration;

use super::Progress;
use crate::error::{Error, ErrorKind};
use crate::ticket::Ticket;

/// Why a wait ended without the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitEnd {
    /// The work failed or was cancelled, as the server reported.
    Failed,
    /// The limit was reached. The work continues.
    OutOfTime,
    /// The server was unreachable for too long. The work may continue.
    LostContact,
    /// The server no longer knows the work, and the result can't be inferred from its state.
    Gone,
}

/// A wait that ended without the result.
///
/// ```
/// use windlass::{WaitEnd, WaitError};
///
/// fn later(e: WaitError) -> Option<String> {
///     (e.end() == WaitEnd::OutOfTime).then(|| e.ticket().to_string())
/// }
/// ```
///
/// `?` converts it into an [`Error`], which keeps the ticket as text.
pub struct WaitError(pub(super) Box<Stopped>);

pub(super) struct Stopped {
    pub(super) end: WaitEnd,
    pub(super) ticket: Ticket,
    pub(super) waited: Duration,
    pub(super) last: Option<Progress>,
    pub(super) error: Error,
}

impl WaitError {
    /// Why the wait ended.
    pub fn end(&self) -> WaitEnd {
        self.0.end
    }

    /// The ticket to resume the wait with, in this process or another.
    pub fn ticket(&self) -> &Ticket {
        &self.0.ticket
    }

    /// How long the wait lasted.
    pub fn waited(&self) -> Duration {
        self.0.waited
    }

    /// The last progress, if there was any.
    pub fn last_progress(&self) -> Option<&Progress> {
        self.0.last.as_ref()
    }

    /// The underlying error. For work that failed, its message is the server's.
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// The kind of the underlying error.
    pub fn kind(&self) -> ErrorKind {
        self.0.error.kind()
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl fmt::Debug for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stopped { end, ticket, waited, last, error } = &*self.0;
        f.debug_struct("WaitError")
            .field("end", end)
            .field("ticket", ticket)
            .field("waited", waited)
            .field("last", last)
            .field("error", error)
            .finish()
    }
}

impl std::error::Error for WaitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.error)
    }
}

impl From<WaitError> for Error {
    fn from(e: WaitError) -> Self {
        let ticket = e.0.ticket.to_string();
        let cut_short = matches!(e.0.end, WaitEnd::OutOfTime | WaitEnd::LostContact);
        e.0.error.with(|inner| (inner.ticket, inner.wait_cut_short) = (Some(ticket), cut_short))
    }
}
