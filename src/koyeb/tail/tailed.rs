//! The items of a tail.

use serde::Serialize;

use crate::koyeb::logs::LogLine;

/// An item of a [`Tail`](super::Tail).
///
/// ```
/// use windlass::koyeb::Tailed;
///
/// fn text(tailed: &Tailed) -> &str {
///     match tailed {
///         Tailed::Line(line) => &line.message,
///         Tailed::Gap => "lines may be missing here: search the logs",
///         _ => "",
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Tailed {
    /// A line, as it was written.
    Line(LogLine),
    /// The connection broke and was opened again, and some lines that were written meanwhile may be missing here. Most
    /// breaks cause no gap, because a search finds the lines.
    Gap,
}

impl Tailed {
    /// The line; `None` for a gap.
    pub fn into_line(self) -> Option<LogLine> {
        match self {
            Self::Line(line) => Some(line),
            Self::Gap => None,
        }
    }
}
