//! The search for lines that were written while there was no connection.

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::SECOND;
use super::dedup::Hole;
use super::feed::{Feed, Over, PAGE};
use super::tailed::Tailed;
use crate::koyeb::logs::{Filter, LogLine, Logs};
use crate::koyeb::reply::says_why;
use crate::koyeb::types::Order;
use crate::stream::list::List;

/// The size of a line in addition to its text, roughly, in bytes.
const LABELS: usize = 256;

/// How far back a tail starts by default.
const DAY: TimeDelta = TimeDelta::days(1);
impl Feed {
    /// Passes on the missing lines, or a gap. Whether there were any; an error if this ends the tail.
    pub(super) async fn fill(&mut self) -> Result<bool, Over> {
        let mut any = self.shown.is_empty() && self.show_the_old().await?;
        let Hole { from, is_whole } = self.hole();
        if !is_whole {
            self.gap().await?;
        }
        if from < self.now() {
            self.shown.begin_again();
            let mut list = self.search(from, None, Order::Asc, PAGE).stream();
            while let Some(lines) = self.page(&mut list).await? {
                any |= self.show_all(lines).await?;
            }
        }
        Ok(any)
    }

    /// The lines that a tail starts with, if its first connection broke before it passed any on.
    async fn show_the_old(&mut self) -> Result<bool, Over> {
        // This time is exact to a second; the search that follows finds what was written in that second.
        let began = self.shown.began().checked_sub_signed(SECOND).unwrap_or_default();
        let start = self.filter.start.or_else(|| began.checked_sub_signed(DAY));
        let Some(start) = start.filter(|start| *start < began) else { return Ok(false) };
        let mut list = self.search(start, Some(began), Order::Desc, self.old()).stream();
        let mut lines = self.page(&mut list).await?.unwrap_or_default();
        lines.reverse();
        self.show_all(lines).await
    }

    /// The next page, if it can be had.
    async fn page(&mut self, list: &mut List<LogLine>) -> Result<Option<Vec<LogLine>>, Over> {
        match list.next_page().await {
            Ok(page) => Ok(page),
            Err(e) if says_why(e.kind()) => Err(Over::Refused(e)),
            Err(e) => {
                tracing::debug!(error = %e, "what was written without a connection could not be searched");
                self.gap().await?;
                Ok(None)
            }
        }
    }

    async fn gap(&mut self) -> Result<(), Over> {
        self.shown.gap_told();
        self.tell(Tailed::Gap, 0).await
    }

    async fn show_all(&mut self, lines: Vec<LogLine>) -> Result<bool, Over> {
        let mut any = false;
        for line in lines {
            let bytes = line.message.len() + LABELS;
            any |= self.show(line, bytes).await?;
        }
        Ok(any)
    }

    fn search(&self, from: DateTime<Utc>, end: Option<DateTime<Utc>>, order: Order, page: u32) -> Logs {
        let mut logs = self.koyeb.logs().order(order);
        logs.filter = Filter { start: Some(from), limit: Some(page), ..self.filter.clone() };
        logs.end = end;
        logs
    }
}
