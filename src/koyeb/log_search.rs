//! Searching logs: pages by time.

use chrono::{DateTime, Utc};

use super::logs::{LogLine, Logs, narrowed};
use super::parameters::given;
use super::types;
use crate::error::Error;
use crate::stream::list::{Cursor, List, Page};
use crate::wait::into_future;

impl Logs {
    /// What was written, as a stream over all pages. The next page is fetched while one is read.
    pub fn stream(self) -> List<LogLine> {
        let label = self.koyeb.label("query_logs", "");
        List::new(move |cursor| {
            let query = self.clone();
            Box::pin(async move { query.page(cursor).await })
        })
        .by(label)
        .with_prefetch()
    }

    async fn page(mut self, cursor: Option<Cursor>) -> Result<Page<LogLine>, Error> {
        self.filter.check()?;
        if let (Some(start), Some(end)) = (self.filter.start, self.end)
            && start >= end
        {
            return Err(Error::invalid("start", "is not before the end"));
        }
        let window = cursor.as_ref().and_then(Window::parse);
        if let Some(window) = window {
            (self.filter.start, self.end) = (Some(window.start), Some(window.end));
        }
        let request =
            given!(narrowed!(self.koyeb.raw().query_logs(), self.filter); end = self.end, order = self.order);
        let (reply, head) = request.send().with_head().await?;
        let next = reply.pagination.map(Window::next).transpose();
        let next = next.map_err(|why| head.facts().bad_reply(why))?.flatten();
        if let (Some(window), Some(next)) = (window, next)
            && !next.is_within(window)
        {
            let why = "the search doesn't advance: the next page is no part of this one";
            return Err(head.facts().bad_reply(why));
        }
        let items = reply.data.into_iter().map(LogLine::from).collect();
        Ok(Page { items, next: next.map(Window::cursor) })
    }
}

into_future!(Logs => Vec<LogLine>: |query| query.stream().all().await);

/// The time that a page is searched in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Window {
    /// The window of the next page, if there is one; an error if the service says that there is one but not where.
    fn next(pagination: types::LogPagination) -> Result<Option<Self>, &'static str> {
        if pagination.has_more != Some(true) {
            return Ok(None);
        }
        match (pagination.next_start, pagination.next_end) {
            (Some(start), Some(end)) => Ok(Some(Self { start, end })),
            _ => Err("there are more lines, but the reply doesn't say where"),
        }
    }

    /// Windows only get smaller, so there is a last one.
    fn is_within(self, other: Self) -> bool {
        self != other && self.start >= other.start && self.end <= other.end
    }

    fn cursor(self) -> Cursor {
        Cursor(format!("{}/{}", self.start.to_rfc3339(), self.end.to_rfc3339()))
    }

    fn parse(Cursor(text): &Cursor) -> Option<Self> {
        let (start, end) = text.split_once('/')?;
        Some(Self { start: start.parse().ok()?, end: end.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() -> Result<(), chrono::ParseError> {
        let at = |text: &str| text.parse::<DateTime<Utc>>();
        let window =
            Window { start: at("2026-08-01T00:00:00.123456789Z")?, end: at("2026-08-01T01:00:00Z")? };
        assert_eq!(Window::parse(&window.cursor()), Some(window));
        let smaller = Window { end: at("2026-08-01T00:30:00Z")?, ..window };
        assert!(smaller.is_within(window) && !window.is_within(smaller) && !window.is_within(window));
        let next = |json: &str| serde_json::from_str(json).map(Window::next).ok();
        assert_eq!(next("{}"), Some(Ok(None)));
        assert_eq!(next(r#"{"has_more":false,"next_start":null}"#), Some(Ok(None)));
        assert!(matches!(next(r#"{"has_more":true,"next_start":null}"#), Some(Err(_))));
        Ok(())
    }
}
