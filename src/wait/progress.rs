//! The progress of work.

use std::fmt;

use crate::printable::Shown;

/// The progress of work on a server.
///
/// `Display` gives one line, in which control characters are escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The server's word for the state of the work, for example `Running`.
    pub status: String,
    /// What the server is doing, in words.
    pub message: String,
    /// The current stage, if the server tells.
    pub stage: Option<String>,
    /// Percent of the stage, 0 to 100. It never decreases within a stage.
    pub percent: Option<u8>,
    /// Bytes per second, if the server tells.
    pub speed: Option<u64>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Shown(&self.message), Shown(&self.status))?;
        if let Some(stage) = &self.stage {
            write!(f, ", {}", Shown(stage))?;
        }
        if let Some(percent) = self.percent {
            write!(f, " {percent}%")?;
        }
        Ok(())
    }
}
