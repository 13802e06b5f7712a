//! One error type for every call: what, where, did it reach the server, may I repeat it, what did they say.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::shown::one_line;

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
    pub(crate) kind: Kind,
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

/// What went wrong, in words that mean the same on every API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
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
    /// It can't be told whether something was created; see [`Error::marker`].
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

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
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
        Self::new(Kind::InvalidInput, format!("{field}: {message}")).with(|e| e.fields.push(field.to_owned()))
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(&mut self.0);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
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

    /// With [`Kind::OutcomeUnknown`]: the marker by which the instance can be found if it exists after all.
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
        self.0.kind == Kind::NotFound
    }

    /// There already is such a thing.
    pub fn is_already_exists(&self) -> bool {
        self.0.kind == Kind::AlreadyExists
    }

    /// Too many requests; see [`retry_after`](Self::retry_after).
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == Kind::RateLimited
    }

    /// The time limit was reached.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// It can't be told whether something was created; see [`marker`](Self::marker).
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.kind == Kind::OutcomeUnknown
    }
}

impl Error {
    /// Whether the API itself says that the thing isn't there.
    #[allow(dead_code)] // as below
    pub(crate) fn tells_absence(&self) -> bool {
        self.is_not_found() && (self.code().is_some() || !self.message().is_empty())
    }

    /// The answer to a request that may have made `thing` is lost, and nothing was found. All that is known of the lost
    /// answer is kept.
    #[allow(dead_code)] // as below
    pub(crate) fn outcome_unknown(thing: &str, key: &str, marker: &str, lost: Self) -> Self {
        let message = format!("{thing} may or may not come into being ({key}={marker}): {}", lost.message());
        Self::uncertain(message, lost).with(|e| e.marker = Some(marker.to_owned()))
    }

    /// It can't be told whether it was done. All that is known of the lost answer is kept.
    #[allow(dead_code)] // as below
    pub(crate) fn uncertain(message: String, lost: Self) -> Self {
        Self::new(Kind::OutcomeUnknown, message).with(|e| {
            e.copy_facts(&lost);
            e.repeatable = false;
            e.body = lost.0.body.clone();
            e.source = Some(Box::new(lost));
        })
    }

    /// With the server, where it isn't known yet.
    #[allow(dead_code)] // as below
    pub(crate) fn at(self, server: &str) -> Self {
        self.with(|e| {
            if e.server.is_empty() {
                e.server = server.to_owned();
            }
        })
    }

    /// The failure of a call that was but a part of connecting.
    #[allow(dead_code)] // as below
    pub(crate) fn while_connecting(self) -> Self {
        self.with(|e| {
            e.verb = "connect".to_owned();
            e.object.clear();
        })
    }

    /// That the thing isn't there: only where the API itself says so. A bare 404 may be that of a proxy on the way, and
    /// says nothing of the thing; it becomes [`Kind::BadReply`].
    #[allow(dead_code)] // without any API nothing calls it
    pub(crate) fn absence(self) -> Result<(), Self> {
        if self.tells_absence() {
            return Ok(());
        }
        if !self.is_not_found() {
            return Err(self);
        }
        Err(self.with(|e| {
            e.kind = Kind::BadReply;
            e.message = "not an answer of the API itself".to_owned();
        }))
    }
}

impl Inner {
    /// All of another error but what can't be had twice: the body, a command's output and the cause.
    pub(crate) fn copy_facts(&mut self, other: &Error) {
        let other = &*other.0;
        self.api = other.api;
        self.operation = other.operation;
        self.verb = other.verb.clone();
        self.object = other.object.clone();
        self.server = other.server.clone();
        self.status = other.status;
        self.code = other.code.clone();
        self.sent = other.sent;
        self.repeatable = other.repeatable;
        self.attempts = other.attempts;
        self.retry_after = other.retry_after;
        self.request_id = other.request_id.clone();
        self.suggestion = other.suggestion.clone();
        self.fields = other.fields.clone();
        self.marker = other.marker.clone();
        self.ticket = other.ticket.clone();
        self.wait_cut_short = other.wait_cut_short;
    }
}

impl Kind {
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

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.phrase())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { api, kind, status, code, message, .. } = &*self.0;
        let (object, server) =
            (self.object().map(|object| format!("\"{}\"", one_line(object, 120))), self.server());
        let at = server.map(|server| format!("at {}", one_line(server, 200)));
        let words = [Some(*api), Some(self.operation()), object.as_deref(), at.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => {}
            // Of what, nothing more is known.
            [api] => write!(f, "{api} ")?,
            words => write!(f, "{}: ", words.join(" "))?,
        }
        write!(f, "{kind}")?;
        if let Some(status) = status {
            let status = status.to_string();
            match code {
                // A vendor's word, or an error inside a good status.
                Some(code) if *code != status => write!(f, " ({status}, {})", one_line(code, 120))?,
                _ => write!(f, " ({status})")?,
            }
        }
        if !message.is_empty() {
            write!(f, ": {}", one_line(message, 400))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("api", &inner.api)
            .field("operation", &self.operation())
            .field("object", &inner.object)
            .field("server", &inner.server)
            .field("status", &inner.status)
            .field("code", &inner.code)
            .field("message", &inner.message)
            .field("sent", &inner.sent)
            .field("attempts", &inner.attempts)
            .field("request_id", &inner.request_id)
            .field("marker", &inner.marker)
            .field("ticket", &inner.ticket)
            // The body itself may hold a secret.
            .field("body_bytes", &inner.body.len())
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
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
    fn display_is_one_short_sentence() {
        let e = Error::new(Kind::NotFound, "Failed to\n\tfetch \"web\"").with(|e| {
            e.api = "incus";
            e.operation = "instance_get";
            e.status = Some(404);
        });
        assert_eq!(e.to_string(), "incus instance_get: not found (404): Failed to fetch \"web\"");
        let e = e.with(|e| {
            e.object = "web\u{1b}[2J".to_owned();
            e.server = "https://10.0.0.2:8443".to_owned();
            e.message = "\u{202e}\u{7}".to_owned();
        });
        assert_eq!(
            e.to_string(),
            "incus instance_get \"web\\u{1b}[2J\" at https://10.0.0.2:8443: not found (404): \\u{202e}\\u{7}"
        );
        let e = e.while_connecting();
        assert_eq!(e.operation(), "connect");
        let long = e.with(|e| (e.object, e.code) = ("ü".repeat(5_000), Some("ü".repeat(5_000))));
        assert!(long.to_string().chars().count() < 420);
        let e = Error::new(Kind::Server, "ü".repeat(5_000));
        assert!(e.to_string().chars().count() < 420);
    }

    #[test]
    fn an_unknown_outcome_keeps_all_that_was_said() {
        let lost = Error::new(Kind::Server, "boom").with(|e| {
            (e.api, e.operation, e.status, e.sent, e.attempts) = ("koyeb", "create", Some(500), Sent::Yes, 2);
            (e.code, e.request_id) = (Some("disk".to_owned()), Some("r1".to_owned()));
            (e.suggestion, e.retry_after) = (Some("wait".to_owned()), Some(Duration::from_secs(7)));
            (e.server, e.repeatable) = ("https://a".to_owned(), true);
            e.body = Bytes::from_static(b"{}");
        });
        let e = Error::outcome_unknown("\"web\"", "key", "m1", lost);
        assert_eq!(e.message(), "\"web\" may or may not come into being (key=m1): boom");
        assert_eq!((e.kind(), e.status(), e.sent()), (Kind::OutcomeUnknown, Some(500), Sent::Yes));
        assert_eq!((e.code(), e.request_id(), e.suggestion()), (Some("disk"), Some("r1"), Some("wait")));
        assert_eq!((e.attempts(), e.server(), e.body()), (2, Some("https://a"), &b"{}"[..]));
        assert_eq!((e.marker(), e.is_repeatable()), (Some("m1"), false));
        assert_eq!(e.retry_after(), Some(Duration::from_secs(7)));
        assert!(StdError::source(&e).is_some());
    }

    #[test]
    fn what_was_answered_was_sent() {
        let e = Error::new(Kind::OperationFailed, "");
        assert_eq!(e.attempts(), 0);
        assert_eq!(e.with(|e| e.sent = Sent::Yes).attempts(), 1);
    }

    #[test]
    fn absence_is_said_by_the_api_itself() {
        let e = |kind, code: Option<&str>, message| {
            Error::new(kind, message)
                .with(|e| e.code = code.map(str::to_owned))
                .absence()
                .map_err(|e| e.kind())
        };
        assert_eq!(e(Kind::NotFound, Some("404"), ""), Ok(()));
        assert_eq!(e(Kind::NotFound, None, "instance not found"), Ok(()));
        assert_eq!(e(Kind::NotFound, None, ""), Err(Kind::BadReply));
        assert_eq!(e(Kind::Server, Some("500"), "boom"), Err(Kind::Server));
    }

    #[test]
    fn debug_shows_no_body() {
        let e = Error::new(Kind::BadReply, "").with(|e| e.body = Bytes::from_static(b"hunter2"));
        assert!(!format!("{e:?}").contains("hunter2"));
        assert_eq!(e.body(), b"hunter2");
    }
}
