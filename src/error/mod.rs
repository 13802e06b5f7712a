//! One error type for every call: what, where, did it reach the server, may I repeat it, what did they say.

mod display;
mod kind;
mod uncertain;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

pub use kind::{ErrorKind, Sent};

/// What calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed call.
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
/// vendor's own words. `Display` is one sentence that holds no secret, no header and no body, as `incus instance_get "web" at
/// https://10.0.0.2:8443: not found (404): Instance not found`. What would act on a terminal is escaped in it.
pub struct Error(Box<Inner>);

pub(crate) struct Inner {
    pub(crate) kind: ErrorKind,
    pub(crate) api: &'static str,
    pub(crate) operation: &'static str,
    /// What the caller did, where that is no operation of the spec.
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
    /// What a command had written to its two outputs.
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

    /// Refused before anything was sent.
    pub(crate) fn invalid(field: &str, message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidInput, format!("{field}: {message}"))
            .with(|e| e.fields.push(field.to_owned()))
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(&mut self.0);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Which API it was: `incus` and so on; empty when the call got no further than this crate.
    pub fn api(&self) -> &str {
        self.0.api
    }

    /// Which operation it was, by its id in the spec; `connect` for that; for work that was waited for, what it was, as
    /// `start`. Empty when the call got no further than this crate.
    pub fn operation(&self) -> &str {
        if self.0.verb.is_empty() { self.0.operation } else { &self.0.verb }
    }

    /// What it was about, as the path of the request has it: an instance, `instance/snapshot`, `instance:/path`, the id of
    /// an operation.
    pub fn object(&self) -> Option<&str> {
        Some(self.0.object.as_str()).filter(|object| !object.is_empty())
    }

    /// Which server it was: its address, or the path of its socket.
    pub fn server(&self) -> Option<&str> {
        Some(self.0.server.as_str()).filter(|server| !server.is_empty())
    }

    /// The server's own words, or ours where it said nothing.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The vendor's machine-readable word for it, if the API has one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Whether the vendor's word for it is this one, as a text or as one of the API's own codes.
    pub fn code_is(&self, code: impl AsRef<str>) -> bool {
        self.code() == Some(code.as_ref())
    }

    /// Did the request reach the server?
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// Whether repeating the call can't do harm: it changes nothing, or it provably never reached the server.
    pub fn is_repeatable(&self) -> bool {
        self.0.repeatable
    }

    /// How often the request was sent; after a wait, how often the work was looked at.
    pub fn attempts(&self) -> u32 {
        // What was answered was sent, also where nobody counted.
        self.0.attempts.max(u32::from(self.0.sent == Sent::Yes))
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The id under which the vendor's support finds the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What the vendor suggests to do.
    pub fn suggestion(&self) -> Option<&str> {
        self.0.suggestion.as_deref()
    }

    /// Names of the arguments that are wrong.
    pub fn fields(&self) -> &[String] {
        &self.0.fields
    }

    /// With [`ErrorKind::OutcomeUnknown`]: the marker by which the instance can be found if it exists after all.
    pub fn marker(&self) -> Option<&str> {
        self.0.marker.as_deref()
    }

    /// After a wait: the ticket, as text, with which the wait can be resumed.
    pub fn ticket(&self) -> Option<&str> {
        self.0.ticket.as_deref()
    }

    /// A wait ended before the work did: the work may go on, and may have worked.
    pub(crate) fn is_wait_cut_short(&self) -> bool {
        self.0.wait_cut_short
    }

    /// The beginning of the answer's body, whatever it was. May hold secrets: keep it out of logs.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// Where a command's output was being collected, or was judged by its exit status: what had come of standard output.
    /// May hold secrets: keep it out of logs.
    pub fn stdout(&self) -> Option<&[u8]> {
        self.0.output.as_ref().map(|(stdout, _)| stdout.as_ref())
    }

    /// The same of standard error.
    pub fn stderr(&self) -> Option<&[u8]> {
        self.0.output.as_ref().map(|(_, stderr)| stderr.as_ref())
    }

    /// There is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// There already is such a thing.
    pub fn is_already_exists(&self) -> bool {
        self.0.kind == ErrorKind::AlreadyExists
    }

    /// Too many requests; see [`retry_after`](Self::retry_after).
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == ErrorKind::RateLimited
    }

    /// The time limit was reached.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// It can't be told whether something was created; see [`marker`](Self::marker).
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
