//! What a command gives.

use bytes::Bytes;

use super::ExitStatus;

/// A piece of a command's output, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a match that forgets the exit status shouldn't compile
pub enum Chunk {
    /// Standard output; with a terminal, all output.
    Stdout(Bytes),
    /// Standard error.
    Stderr(Bytes),
    /// The command has ended. This is the last one.
    Exited(ExitStatus),
}

/// A piece of output, from a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Stdout(Bytes),
    Stderr(Bytes),
}

impl Piece {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Stdout(bytes) | Self::Stderr(bytes) => bytes.len(),
        }
    }
}

impl From<Piece> for Chunk {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Stdout(bytes) => Self::Stdout(bytes),
            Piece::Stderr(bytes) => Self::Stderr(bytes),
        }
    }
}
