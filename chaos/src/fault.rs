//! What can go wrong between a client and its server.

use std::fmt;

use crate::answer::Injected;

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing goes wrong.
    None,
    /// The host has no address.
    NoAddress,
    /// Nothing listens.
    Refused,
    /// The program has no file descriptor left.
    NoDescriptors,
    /// The connection is accepted, and nothing comes.
    Silent,
    /// The connection is reset as soon as it is accepted.
    ResetAtOnce,
    /// The request arrives, and is answered with a reset. The server doesn't get it.
    ResetAfterRequest,
    /// The server gets the request, and its answer is lost.
    Lost(End),
    /// The answer ends early, in this part.
    Cut(Part, End),
    /// From this part on, a byte a second.
    Slow(Part),
    /// A refusal with a body of a byte a second. The server doesn't get the request.
    SlowRefusal,
    /// The answer comes twice.
    Twice,
    /// An idle connection is closed just before it is used.
    IdleClosed,
    /// An idle connection is reset just when it is used.
    IdleReset,
    /// Another answer. The server doesn't get the request.
    Answered(Injected),
    /// The caller gives up: the future is dropped instead of its poll of this number.
    Dropped(usize),
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a reset.
    Reset,
    /// As after a whole answer.
    Close,
}

/// A part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Somewhere in the head.
    Head,
    /// Somewhere in the body.
    Body,
    /// Only the last byte is missing.
    LastByte,
}

impl Fault {
    /// The column of the table that it belongs to.
    pub fn class(&self) -> String {
        match self {
            Self::None => "none",
            Self::NoAddress => "no-dns",
            Self::Refused => "refused",
            Self::NoDescriptors => "no-fds",
            Self::Silent => "silent",
            Self::ResetAtOnce => "reset",
            Self::ResetAfterRequest => "reset-req",
            Self::Lost(_) => "lost",
            Self::Cut(Part::Head, _) => "cut-head",
            Self::Cut(Part::Body, _) => "cut-body",
            Self::Cut(Part::LastByte, _) => "cut-last",
            Self::Slow(Part::Head) => "slow-head",
            Self::Slow(_) => "slow-body",
            Self::SlowRefusal => "slow-503",
            Self::Twice => "twice",
            Self::IdleClosed | Self::IdleReset => "idle",
            Self::Answered(answer) => return answer.class(),
            Self::Dropped(_) => "dropped",
        }
        .to_owned()
    }

    /// Whether the connection fails before a request can be sent.
    pub fn is_before_connection(&self) -> bool {
        matches!(self, Self::NoAddress | Self::Refused | Self::NoDescriptors)
    }

    /// Whether it needs a connection that was used before.
    pub fn needs_idle_connection(&self) -> bool {
        matches!(self, Self::IdleClosed | Self::IdleReset)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(answer) => write!(f, "{answer}"),
            other => write!(f, "{other:?}"),
        }
    }
}
