//! How an instance is, in words that mean the same everywhere.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::printable::Shown;

/// How an instance is. The platform's own word is in the document that [`super::Instance::native`] holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum State {
    /// It is being made or started.
    Starting,
    /// It runs.
    Running,
    /// It runs, but the platform finds it unwell.
    Unhealthy,
    /// It is held or asleep, and goes on where it was.
    Paused,
    /// It is being stopped or deleted.
    Stopping,
    /// It doesn't run.
    Stopped,
    /// It is broken, and doesn't mend by itself.
    Failed,
    /// It is no more, though the platform may still tell of it.
    Gone,
    /// A word of the platform that has no common one.
    Other(String),
}

impl State {
    /// Whether something that is in this state can still come into that one.
    pub(super) fn may_become(&self, goal: &Self) -> bool {
        match self {
            Self::Gone => false,
            Self::Failed => matches!(goal, Self::Stopping | Self::Stopped | Self::Gone),
            _ => true,
        }
    }

    /// What equality and tickets go by.
    pub(super) fn word(&self) -> &str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Unhealthy => "unhealthy",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Other(word) => word,
        }
    }
}

crate::open_enum::equal_by_word! { State: word }

/// As its word.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Shown(self.word()).to_string())
    }
}

impl From<&str> for State {
    fn from(word: &str) -> Self {
        const COMMON: [State; 8] = [
            State::Starting,
            State::Running,
            State::Unhealthy,
            State::Paused,
            State::Stopping,
            State::Stopped,
            State::Failed,
            State::Gone,
        ];
        let common = COMMON.into_iter().find(|state| state.word() == word);
        common.unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_acts_on_a_terminal() {
        assert_eq!(State::from("a\u{1b}[2Jb").to_string(), "a\\u{1b}[2Jb");
        assert_eq!(format!("{:>8}", State::Gone), "    gone");
    }

    #[test]
    fn where_it_can_still_get() {
        for (from, goal, possible) in [
            (State::Starting, State::Running, true),
            (State::Stopped, State::Running, true),
            (State::Failed, State::Running, false),
            (State::Failed, State::Gone, true),
            (State::Failed, State::Stopped, true),
            (State::Gone, State::Stopped, false),
            (State::Other("HIBERNATING".to_owned()), State::Running, true),
        ] {
            assert_eq!(from.may_become(&goal), possible, "{from} {goal}");
        }
    }

    #[test]
    fn words_and_back() {
        for word in ["starting", "running", "unhealthy", "paused", "stopping", "stopped", "failed", "gone"] {
            let state = State::from(word);
            assert!(!matches!(state, State::Other(_)), "{word}");
            assert_eq!(state.to_string(), word);
        }
        assert_eq!(State::from("Hibernating"), State::Other("Hibernating".to_owned()));
        assert_eq!(State::from("Hibernating").to_string(), "Hibernating");
    }
}
