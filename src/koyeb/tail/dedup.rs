//! The latest lines of a tail: which lines of another connection are repeated, and since when some may be missing.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};

use crate::koyeb::logs::LogLine;

/// Lines reach the logs out of order: a search starts at least this long before the last line.
const SLACK: TimeDelta = TimeDelta::seconds(10);
/// How far behind the others the lines of one instance may be, by its clock or on their way.
const LATE: TimeDelta = TimeDelta::minutes(5);
/// How many lines are remembered, about 3 MiB.
const MOST: usize = 65_536;

/// The lines of the last minutes, distinguished by instance, stream, time and text.
#[derive(Debug)]
pub(super) struct Shown {
    /// When the tail began, by the service's clock.
    began: DateTime<Utc>,
    /// When the last line came, or the tail began.
    heard: DateTime<Utc>,
    /// The earliest time that a line had, and how many were written before the tail began.
    oldest: Option<DateTime<Utc>>,
    old: u32,
    /// The latest time that a line had.
    newest: Option<DateTime<Utc>>,
    /// How far behind a line was.
    behind: TimeDelta,
    lines: BTreeMap<(DateTime<Utc>, u64), Times>,
    /// Lines up to this time can no longer be distinguished, because there were too many.
    forgotten: Option<DateTime<Utc>>,
    /// A line without a time came, of which no search can tell whether others are missing.
    untimed: bool,
}

/// How often a line was shown, and how often it has come again since the last cut.
#[derive(Debug, Default)]
struct Times {
    shown: u32,
    again: u32,
}

/// Since when lines may be missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) from: DateTime<Utc>,
    /// Whether a search from there finds all that can be missing, without showing others twice.
    pub(super) is_whole: bool,
}

impl Shown {
    pub(super) fn since(began: DateTime<Utc>) -> Self {
        Self {
            began,
            heard: began,
            oldest: None,
            old: 0,
            newest: None,
            behind: TimeDelta::zero(),
            lines: BTreeMap::new(),
            forgotten: None,
            untimed: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    pub(super) fn began(&self) -> DateTime<Utc> {
        self.began
    }

    /// Up to where all is known. The clock of one instance may be ahead, and that of the service as well.
    fn known(&self) -> DateTime<Utc> {
        self.newest.map_or(self.heard, |newest| newest.min(self.heard))
    }

    /// What must be searched after a cut, in a tail that started with at most `old` old lines.
    pub(super) fn hole(&self, old: u32) -> Hole {
        let from = before(self.known(), SLACK + self.behind);
        // Lines before the first of the old ones weren't asked for.
        let from = self.oldest.filter(|_| self.old >= old).map_or(from, |oldest| from.max(oldest));
        match self.forgotten {
            Some(forgotten) if forgotten >= from => {
                let next = forgotten.checked_add_signed(TimeDelta::nanoseconds(1));
                Hole { from: next.unwrap_or(forgotten), is_whole: false }
            }
            _ => Hole { from, is_whole: !self.untimed },
        }
    }

    /// A gap was passed on.
    pub(super) fn gap_told(&mut self) {
        self.untimed = false;
    }

    /// From now on lines can come again, each as often as it was shown.
    pub(super) fn begin_again(&mut self) {
        self.lines.values_mut().for_each(|times| times.again = 0);
    }

    /// Whether a line that came, by the service's clock at `now`, was already shown; takes note of it if not.
    pub(super) fn is_repeated(&mut self, line: &LogLine, now: DateTime<Utc>) -> bool {
        let Some(at) = line.created_at else {
            self.untimed = true;
            return false;
        };
        let times = self.lines.entry((at, mark(line))).or_default();
        times.again = times.again.saturating_add(1);
        if times.again <= times.shown {
            return true;
        }
        times.shown = times.again;
        self.note(at, now);
        false
    }

    fn note(&mut self, at: DateTime<Utc>, now: DateTime<Utc>) {
        self.heard = self.heard.max(now);
        self.newest = self.newest.max(Some(at));
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
        self.old = self.old.saturating_add(u32::from(at <= self.began));
        let behind = self.known() - at;
        // Older lines are history, with which a tail starts.
        if behind <= LATE {
            self.behind = self.behind.max(behind);
        }
        self.forget();
    }

    fn forget(&mut self) {
        let needed = before(self.known(), SLACK + LATE);
        while let Some(oldest) = self.lines.first_entry() {
            let at = oldest.key().0;
            if at >= needed && self.lines.len() <= MOST {
                break;
            }
            self.lines.pop_first();
            if at >= needed {
                self.forgotten = self.forgotten.max(Some(at));
            }
        }
    }
}

fn before(at: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    at.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn mark(line: &LogLine) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&line.instance_id, line.stream.as_str(), &line.message).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap_or_default()
    }

    fn line(instance: &str, message: &str, created_at: Option<DateTime<Utc>>) -> LogLine {
        let json = serde_json::json!({
            "msg": message, "created_at": created_at, "labels": {"stream": "stdout", "instance_id": instance}
        });
        let entry = serde_json::from_value::<crate::koyeb::types::LogEntry>(json);
        entry.map(LogLine::from).unwrap_or_else(|e| unreachable!("{e}"))
    }

    /// Shows a line of instance `a` that comes when it is written.
    fn new(shown: &mut Shown, message: &str, second: i64) -> bool {
        !shown.is_repeated(&line("a", message, Some(at(second))), at(second))
    }

    #[test]
    fn lines_that_another_connection_repeats() {
        let mut shown = Shown::since(at(0));
        assert!(new(&mut shown, "a", 1));
        // Twice the same line is two lines.
        assert!(new(&mut shown, "b", 2) && new(&mut shown, "b", 2) && new(&mut shown, "c", 2));
        for _ in 0..2 {
            shown.begin_again();
            assert!(!new(&mut shown, "b", 2) && !new(&mut shown, "b", 2) && !new(&mut shown, "c", 2));
        }
        assert!(new(&mut shown, "b", 2), "a third one is new");
        shown.begin_again();
        // The same text of another instance is another line, also if that is behind.
        assert!(!shown.is_repeated(&line("b", "a", Some(at(1))), at(2)));
        assert!(shown.is_repeated(&line("a", "a", Some(at(1))), at(2)));
    }

    #[test]
    fn a_search_begins_before_the_last_line_and_before_what_comes_late() {
        let mut shown = Shown::since(at(0));
        assert_eq!(shown.hole(1000), Hole { from: at(-10), is_whole: true });
        // Old lines, with which a tail begins, say nothing of what is late.
        assert!(new(&mut shown, "old", -5_000) && new(&mut shown, "new", 100));
        assert_eq!(shown.hole(1000), Hole { from: at(90), is_whole: true });
        assert!(!shown.is_repeated(&line("b", "late", Some(at(60))), at(100)));
        assert_eq!(shown.hole(1000), Hole { from: at(50), is_whole: true });
        // A clock that is ahead hides nothing of the others.
        assert!(!shown.is_repeated(&line("c", "ahead", Some(at(4_000))), at(110)));
        assert_eq!(shown.hole(1000), Hole { from: at(60), is_whole: true });
    }

    #[test]
    fn no_more_old_lines_than_were_wanted() {
        let mut shown = Shown::since(at(9));
        assert!(new(&mut shown, "g", 7) && new(&mut shown, "h", 8) && new(&mut shown, "i", 12));
        assert_eq!(shown.hole(2), Hole { from: at(7), is_whole: true });
        assert_eq!(shown.hole(3), Hole { from: at(2), is_whole: true });
    }

    #[test]
    fn lines_without_a_time_are_shown_and_not_kept() {
        let mut shown = Shown::since(at(0));
        for _ in 0..10 {
            assert!(!shown.is_repeated(&line("a", "x", None), at(1)));
        }
        assert!(shown.is_empty() && shown.lines.is_empty());
        assert!(!shown.hole(1000).is_whole, "some may be missing");
        shown.gap_told();
        assert!(shown.hole(1000).is_whole, "not again because of the same lines");
    }

    #[test]
    fn memory_is_bounded_and_what_is_forgotten_is_no_whole_search() {
        let mut shown = Shown::since(at(0));
        for second in 0..1_000 {
            assert!(new(&mut shown, "x", second));
        }
        assert_eq!(shown.lines.len(), 311, "five minutes and some seconds");
        assert!(shown.hole(1000).is_whole);
        for number in 0..i64::try_from(MOST).unwrap_or(0) + 10 {
            let moment = at(1_000) + TimeDelta::microseconds(number);
            assert!(!shown.is_repeated(&line("a", "x", Some(moment)), moment));
        }
        assert_eq!(shown.lines.len(), MOST);
        let hole = shown.hole(1000);
        assert!(!hole.is_whole);
        assert!(!shown.lines.keys().any(|(at, _)| *at < hole.from), "only what is told apart is searched");
    }

    #[test]
    fn times_at_the_ends_of_time() {
        let ends = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC];
        for (began, time) in ends.into_iter().flat_map(|began| ends.map(|time| (began, time))) {
            let mut shown = Shown::since(began);
            assert!(!shown.is_repeated(&line("a", "x", Some(time)), began));
            assert!(shown.hole(1000).from <= began);
        }
    }
}
