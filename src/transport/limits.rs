//! The limits of a client.

use std::time::Duration;

/// The limits of a client, shared by all its handles.
///
/// | limit | default | when it is reached |
/// | --- | --- | --- |
/// | [`head`](Self::head) | 60 seconds | an error of [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) |
/// | [`json_body`](Self::json_body) | 64 MiB | an error of [`ErrorKind::BadReply`](crate::ErrorKind::BadReply) |
/// | [`error_body`](Self::error_body) | 64 KiB | the rest is discarded |
/// | [`in_flight`](Self::in_flight) | 64 requests | further ones wait |
/// | [`starting_commands`](Self::starting_commands) | 32 commands | further ones wait |
/// | [`websocket_message`](Self::websocket_message) | 64 MiB | an error of [`ErrorKind::BadReply`](crate::ErrorKind::BadReply) |
/// | [`output`](Self::output) | 64 MiB | an error of [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) |
///
/// They are a part of the [`Http`](crate::Http) settings of an API's `Connect`:
///
/// ```
/// use std::time::Duration;
/// use windlass::{Http, Limits};
///
/// let http = Http::default().limits(Limits::default().head(Duration::from_secs(20)).in_flight(16));
/// # let _ = http;
/// ```
///
/// An error caused by a limit names it and its value. For the time and number of attempts of a call, see
/// [`Retry`](crate::Retry).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub(crate) head: Duration,
    pub(crate) json_body: u64,
    pub(crate) error_body: u64,
    pub(crate) in_flight: usize,
    pub(crate) starting_commands: usize,
    pub(crate) websocket_message: u64,
    pub(crate) output: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(60),
            json_body: 64 << 20,
            error_body: 64 << 10,
            in_flight: 64,
            starting_commands: 32,
            websocket_message: 64 << 20,
            output: 64 << 20,
        }
    }
}

impl Limits {
    /// How long the server may take to begin its answer, counted from the sending of the request. For an upload,
    /// counted from the last piece that the server took.
    ///
    /// It applies to all answers: documents, content and websockets.
    /// [`Retry::attempt_timeout`](crate::Retry::attempt_timeout) is usually reached first, so raise both for a slow
    /// server. A long poll gets this on top of the time that it asks for.
    #[must_use]
    pub fn head(mut self, limit: Duration) -> Self {
        self.head = limit;
        self
    }

    /// The largest size of a JSON answer, in bytes. It also applies to the listing of a directory and to the log of a
    /// console. A larger answer is an error, and closes the connection.
    #[must_use]
    pub fn json_body(mut self, bytes: u64) -> Self {
        self.json_body = bytes;
        self
    }

    /// How many bytes of an error's body are read. The rest is discarded, and the connection is closed.
    #[must_use]
    pub fn error_body(mut self, bytes: u64) -> Self {
        self.error_body = bytes;
        self
    }

    /// How many requests may be in flight at the same time; 0 counts as 1. Others wait in order, within the time limit
    /// of their call.
    ///
    /// A request for a document is in flight until the document has arrived, any other until its answer begins. Open
    /// streams and websockets don't count. Long polls, and websockets until they begin, have the same limit, counted
    /// separately.
    #[must_use]
    pub fn in_flight(mut self, requests: usize) -> Self {
        self.in_flight = requests.max(1);
        self
    }

    /// How many commands may be starting at the same time; 0 counts as 1. Others wait in order.
    ///
    /// This is for Incus, which gives up on a command if its streams don't connect within five seconds of the request.
    /// Many at once on a busy machine take longer. Consoles count as commands. Running commands don't count. A command
    /// whose output isn't streamed counts until the server has accepted it. Commands that had to wait share one
    /// connection for events, which tells how they end.
    #[must_use]
    pub fn starting_commands(mut self, commands: usize) -> Self {
        self.starting_commands = commands.max(1);
        self
    }

    /// The largest size of a message on a websocket, in bytes: a piece of a command's output, a line of a log, an event. A
    /// larger one is an error, and closes the connection. A larger event of Incus shows as a gap.
    ///
    /// A message in one frame can have 64 MiB at most, even if the limit is higher.
    #[must_use]
    pub fn websocket_message(mut self, bytes: u64) -> Self {
        self.websocket_message = bytes;
        self
    }

    /// How many bytes of a command's output are collected, standard output and standard error together. The command's
    /// own `max_output` has precedence. Output that is read as it comes has no limit.
    #[must_use]
    pub fn output(mut self, bytes: u64) -> Self {
        self.output = bytes;
        self
    }
}
