//! One error type for every call.

mod display;
mod kind;
mod uncertain;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

pub use kind::{ErrorKind, Sent};

/// The result of calls of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of a failed call.
///
/// ```
/// # fn give_up(e: windlass::Error) {}
/// fn handle(e: windlass::Error) {
///     if e.is_not_found() {
///         // make one
///     } else if e.is_rate_limited() {
///         // come back after e.retry_after()
///     } else {
///         give_up(e)
///     }
/// }
/// ```
///
/// [`kind`](Self::kind) means the same on every API; [`code`](Self::code) and [`message`](Self::message) are the
/// vendor's. `Display` is one sentence, for example `incus instance_get "web" at https://10.0.0.2:8443: not found
/// (404): Instance not found`. It holds no secret, no header and no body, and control characters in it are escaped.
pub struct Error(Box<Inner>);

pub(crate) struct Inner {
    pub(crate) kind: ErrorKind,
    pub(crate) api: &'static str,
    pub(crate) operation: &'static str,
    /// What the caller did, if that is not an operation of the spec.
    pub(crate) verb: String,
    pub(crate) object: String,
    pub(crate) server: String,
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) sent: Sent,
    pub(crate) repeatable: bool,
    pub(crate) attempts: u32,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) request_id: Option<String>,
    pub(crate) suggestion: Option<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) marker: Option<String>,
    pub(crate) ticket: Option<String>,
    pub(crate) wait_cut_short: bool,
    pub(crate) body: Bytes,
    /// The output of a command up to the error: standard output and standard error.
    pub(crate) output: Option<(Bytes, Bytes)>,
    pub(crate) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            api: "",
            operation: "",
            verb: String::new(),
            object: String::new(),
            server: String::new(),
            message: message.into(),
            status: None,
            code: None,
            sent: Sent::No,
            repeatable: false,
            attempts: 0,
            retry_after: None,
            request_id: None,
            suggestion: None,
            fields: Vec::new(),
            marker: None,
            ticket: None,
            wait_cut_short: false,
            body: Bytes::new(),
            output: None,
            source: None,
        }))
    }

    /// An invalid argument. Nothing was sent.
    pub(crate) fn invalid(field: &str, message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidInput, format!("{field}: {message}"))
            .with(|e| e.fields.push(field.to_owned()))
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(&mut self.0);
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The API, for example `incus`. Empty if the call never reached the code of an API.
    pub fn api(&self) -> &str {
        self.0.api
    }

    /// The id of the operation in the spec, for example `instance_get`. It is `connect` for an error while connecting,
    /// and the kind of the work, for example `start`, for an error of a wait. Empty if the call never reached the code
    /// of an API.
    pub fn operation(&self) -> &str {
        if self.0.verb.is_empty() { self.0.operation } else { &self.0.verb }
    }

    /// What the call was about, as in the path of the request: an instance, `instance/snapshot`, `instance:/path`, the
    /// id of an operation.
    pub fn object(&self) -> Option<&str> {
        Some(self.0.object.as_str()).filter(|object| !object.is_empty())
    }

    /// The server: its address, or the path of its socket.
    pub fn server(&self) -> Option<&str> {
        Some(self.0.server.as_str()).filter(|server| !server.is_empty())
    }

    /// The message of the server, or of this crate if the server sent none.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The vendor's machine-readable error code, if the API has one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Whether [`code`](Self::code) is this one, given as text or as one of the API's own codes.
    pub fn code_is(&self, code: impl AsRef<str>) -> bool {
        self.code() == Some(code.as_ref())
    }

    /// Whether the request reached the server. For an error of a wait on work: the request that began the work did.
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// Whether the call can be repeated safely: it changes nothing, or it certainly never reached the server.
    ///
    /// False if the call began work and the wait for it failed, even if only a look at the work did: the
    /// [ticket](Self::ticket) continues the wait.
    pub fn is_repeatable(&self) -> bool {
        self.0.repeatable
    }

    /// How many times the request was sent. For an error of a wait: how many times the server was asked about the work.
    pub fn attempts(&self) -> u32 {
        // An answered request was sent at least once, even if nothing counted it.
        self.0.attempts.max(u32::from(self.0.sent == Sent::Yes))
    }

    /// How long to wait before the next request, if the server said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The id of the request, for the vendor's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What the vendor or this crate suggests to do about it. `{:?}` prints it, `{}` doesn't.
    pub fn suggestion(&self) -> Option<&str> {
        self.0.suggestion.as_deref()
    }

    /// The names of the invalid arguments.
    pub fn fields(&self) -> &[String] {
        &self.0.fields
    }

    /// The marker to find the instance by, if it exists after all. Set with [`ErrorKind::OutcomeUnknown`].
    pub fn marker(&self) -> Option<&str> {
        self.0.marker.as_deref()
    }

    /// The ticket to resume the wait with, as text. Set by waits.
    pub fn ticket(&self) -> Option<&str> {
        self.0.ticket.as_deref()
    }

    /// Whether a wait ended before the work did. The work may continue, and may have succeeded.
    pub(crate) fn is_wait_cut_short(&self) -> bool {
        self.0.wait_cut_short
    }

    /// The beginning of the answer's body. It may hold secrets: keep it out of logs.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The standard output of the command up to the error. Set by calls that collect output, and by
    /// [`Output::success`](crate::Output::success). It may hold secrets: keep it out of logs.
    pub fn stdout(&self) -> Option<&[u8]> {
        self.0.output.as_ref().map(|(stdout, _)| stdout.as_ref())
    }

    /// The standard error of the command, as [`stdout`](Self::stdout) is its standard output.
    pub fn stderr(&self) -> Option<&[u8]> {
        self.0.output.as_ref().map(|(_, stderr)| stderr.as_ref())
    }

    /// Whether the kind is [`ErrorKind::NotFound`].
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether the kind is [`ErrorKind::AlreadyExists`].
    pub fn is_already_exists(&self) -> bool {
        self.0.kind == ErrorKind::AlreadyExists
    }

    /// Whether the kind is [`ErrorKind::RateLimited`]; see [`retry_after`](Self::retry_after).
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == ErrorKind::RateLimited
    }

    /// Whether the kind is [`ErrorKind::Timeout`].
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether the kind is [`ErrorKind::OutcomeUnknown`]; see [`marker`](Self::marker).
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.kind == ErrorKind::OutcomeUnknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn what_was_answered_was_sent() {
        let e = Error::new(ErrorKind::OperationFailed, "");
        assert_eq!(e.attempts(), 0);
        assert_eq!(e.with(|e| e.sent = Sent::Yes).attempts(), 1);
    }
}
