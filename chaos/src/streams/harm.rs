//! What can happen to the bytes of a connection.

use std::fmt;

use crate::random::Random;

/// A kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The connection is closed.
    Cut,
    /// It is reset.
    Reset,
    /// It stays open, and nothing passes any more.
    Stall,
    /// From there on, a byte a second passes.
    Slow,
    /// From there on, other bytes pass.
    Garbage,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// What the client sends.
    Server,
    /// What the server sends.
    Client,
}

/// Harm at one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Harm {
    /// What happens.
    pub kind: Kind,
    /// In this direction; a cut, a reset and a stall end both.
    pub toward: Toward,
    /// So many bytes of all connections pass in that direction first.
    pub at: usize,
    /// It happens to every later connection as well, from its beginning.
    pub always: bool,
}

impl Kind {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 5] = [Self::Cut, Self::Reset, Self::Stall, Self::Slow, Self::Garbage];

    /// Those after which nothing passes.
    pub const ENDS: [Self; 3] = [Self::Cut, Self::Reset, Self::Stall];

    /// The column of the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::Slow => "slow",
            Self::Garbage => "garbage",
        }
    }

    /// At a random byte of those that are carried when nothing happens: to the server, and to the client.
    pub fn somewhere(self, carried: [usize; 2], random: &mut Random) -> Harm {
        let byte = random.below(carried[0] + carried[1]);
        let (toward, at) = match byte.checked_sub(carried[0]) {
            None => (Toward::Server, byte),
            Some(at) => (Toward::Client, at),
        };
        Harm { kind: self, toward, at, always: random.below(3) == 0 }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, toward, at, always } = self;
        let kind = kind.word();
        write!(f, "{kind} toward the {toward:?} at byte {at}{}", if *always { ", always" } else { "" })
    }
}
