//! What one client takes from its server, and asks of it, at most.

use std::time::Duration;

/// The limits of a client, for all its handles; the defaults stand here and nowhere else.
///
/// | limit | default | what reaches it |
/// | --- | --- | --- |
/// | [`head`](Self::head) | 60 seconds | an error of [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) |
/// | [`json_body`](Self::json_body) | 64 MiB | an error of [`ErrorKind::BadReply`](crate::ErrorKind::BadReply) |
/// | [`error_body`](Self::error_body) | 64 KiB | the rest is not read |
/// | [`in_flight`](Self::in_flight) | 64 requests | the next ones wait for their turn |
/// | [`starting_commands`](Self::starting_commands) | 32 commands | the next ones wait for their turn |
/// | [`output`](Self::output) | 64 MiB | an error of [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) |
///
/// Set them with the `limits` of an API's `Connect`:
///
/// ```
/// use std::time::Duration;
/// use windlass::Limits;
///
/// let limits = Limits::default().head(Duration::from_secs(20)).in_flight(16);
/// # let _ = limits;
/// ```
///
/// An error that comes of a limit names it and its value. How long calls may take, and how often they are repeated, is
/// said by [`Retry`](crate::Retry).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub(crate) head: Duration,
    pub(crate) json_body: u64,
    pub(crate) error_body: u64,
    pub(crate) in_flight: usize,
    pub(crate) starting_commands: usize,
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
            output: 64 << 20,
        }
    }
}

impl Limits {
    /// How long the server may take to begin its answer, counted from the sending of the request; of an upload, from the
    /// last piece that the server took.
    ///
    /// It holds for every answer: documents, content, websockets. [`Retry::attempt_timeout`](crate::Retry::attempt_timeout)
    /// is most often reached first: raise both for a server that takes longer. A long poll has this much beyond the time
    /// that it asks for.
    #[must_use]
    pub fn head(mut self, limit: Duration) -> Self {
        self.head = limit;
        self
    }

    /// The size of a JSON answer at most, in bytes; of a directory's listing and a console's log as well. More is an
    /// error, and the connection is closed.
    #[must_use]
    pub fn json_body(mut self, bytes: u64) -> Self {
        self.json_body = bytes;
        self
    }

    /// How many bytes of an answer that tells of an error are read. What comes after them is left, and the connection
    /// is closed.
    #[must_use]
    pub fn error_body(mut self, bytes: u64) -> Self {
        self.error_body = bytes;
        self
    }

    /// How many requests are on their way at the same time; 0 counts as 1. Others wait in order, within the time limit
    /// of their call.
    ///
    /// A request for a document is on its way until the document is there, any other until its answer begins: open
    /// streams and websockets don't count. Long polls, and websockets until they begin, have as many places of their own.
    #[must_use]
    pub fn in_flight(mut self, requests: usize) -> Self {
        self.in_flight = requests.max(1);
        self
    }

    /// How many commands may be starting at the same time; 0 counts as 1. Others wait in order.
    ///
    /// For Incus, which gives up on a command whose streams don't all connect within five seconds of its request: many
    /// at once on a busy machine take longer. A console counts as a command. Those that run already don't count, and
    /// one whose output isn't streamed counts only until the server has accepted it. Those that had to wait share one connection for events, which tells how they end.
    #[must_use]
    pub fn starting_commands(mut self, commands: usize) -> Self {
        self.starting_commands = commands.max(1);
        self
    }

    /// How many bytes of a command's output are collected, standard output and standard error together. A command's own
    /// `max_output` comes first. Output that is read as it comes has no limit.
    #[must_use]
    pub fn output(mut self, bytes: u64) -> Self {
        self.output = bytes;
        self
    }
}
