//! Where a tail was when its connection ended.

use chrono::{DateTime, Utc};

use super::{LogLine, LogStream};

/// The lines of the last moment: a new connection begins with that moment, and so repeats them.
#[derive(Debug, Default)]
pub(super) struct Last {
    pub(super) at: Option<DateTime<Utc>>,
    lines: Vec<Mark>,
    /// Those of them that the new connection hasn't repeated yet.
    expected: Vec<Mark>,
}

type Mark = (String, LogStream, Option<String>);

impl Last {
    pub(super) fn begin_again(&mut self) {
        self.expected = self.lines.clone();
    }

    /// Whether it was already shown; takes note of it if not.
    pub(super) fn is_repeated(&mut self, line: &LogLine) -> bool {
        let mark = (line.message.clone(), line.stream.clone(), line.instance_id.clone());
        if line.created_at == self.at
            && let Some(known) = self.expected.iter().position(|expected| *expected == mark)
        {
            self.expected.swap_remove(known);
            return true;
        }
        if line.created_at > self.at {
            (self.at, self.lines) = (line.created_at, vec![mark]);
        } else if line.created_at == self.at {
            self.lines.push(mark);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(message: &str, second: u32) -> LogLine {
        let json = format!(
            r#"{{"msg":"{message}","created_at":"2026-08-01T00:00:{second:02}Z","labels":{{"stream":"stdout"}}}}"#
        );
        let entry = serde_json::from_str::<crate::koyeb::types::LogEntry>(&json);
        entry.map(LogLine::from).unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn lines_that_a_new_connection_repeats() {
        let mut last = Last::default();
        let shown = |last: &mut Last, message: &str, second| !last.is_repeated(&entry(message, second));
        assert!(shown(&mut last, "a", 1));
        // Twice the same line is two lines.
        assert!(shown(&mut last, "b", 2) && shown(&mut last, "b", 2) && shown(&mut last, "c", 2));
        last.begin_again();
        assert!(!shown(&mut last, "b", 2) && !shown(&mut last, "b", 2) && !shown(&mut last, "c", 2));
        assert!(shown(&mut last, "b", 2), "a third one is new");
        assert!(shown(&mut last, "d", 3));
        last.begin_again();
        // Another instance's clock may be behind.
        assert!(shown(&mut last, "late", 2));
        assert!(!shown(&mut last, "d", 3));
    }
}
