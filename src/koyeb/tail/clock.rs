//! The service's clock.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{DATE, HeaderMap};
use tokio::time::Instant;

/// How exactly the service's clock is known.
pub(super) const SECOND: TimeDelta = TimeDelta::seconds(1);

/// The service's clock, by which lines are timed; ours may be wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    at: DateTime<Utc>,
    since: Instant,
}

impl Clock {
    /// By the time that an answer names, or by ours.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let named = headers.get(DATE).and_then(|date| date.to_str().ok());
        let named = named.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        // It is without its fraction of a second.
        let named = named.and_then(|date| date.to_utc().checked_add_signed(SECOND));
        Self { at: named.unwrap_or_else(Utc::now), since: Instant::now() }
    }

    pub(super) fn now(self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(self.since.elapsed()).unwrap_or(TimeDelta::MAX);
        self.at.checked_add_signed(passed).unwrap_or(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_the_service() -> Result<(), Box<dyn std::error::Error>> {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Thu, 01 Jan 2026 00:00:00 GMT".parse()?);
        let clock = Clock::of(&headers);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now().to_rfc3339(), "2026-01-01T00:01:31+00:00");
        headers.insert(DATE, "soon".parse()?);
        assert!((Utc::now() - Clock::of(&headers).now()).abs() < TimeDelta::hours(1));
        Ok(())
    }
}
