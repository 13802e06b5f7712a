//! How far work has come.

use std::fmt;

use crate::printable::Shown;

/// How far work has come.
///
/// `Display` gives a line for people; what would act on a terminal is escaped in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The server's word for the state of the work, as `Running`.
    pub status: String,
    /// What the server does, in words.
    pub message: String,
    /// The stage it is in, if the server tells.
    pub stage: Option<String>,
    /// 0 to 100; never goes back within a stage.
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
