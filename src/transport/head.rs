//! Time limits for the head of an answer.

use std::time::Duration;

use reqwest::Request;

use crate::error::{Error, ErrorKind, Sent};
use crate::transport::limits::Limits;
use crate::transport::retry::Retry;
use crate::transport::{Endpoint, Reply};

/// What the time before an answer is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Nothing special.
    Plain,
    /// The server was asked to wait that long.
    LongPoll(Duration),
    /// Sending a body that may be large.
    Upload,
}

impl Course {
    pub(crate) fn of(endpoint: &Endpoint, request: &Request) -> Self {
        match (endpoint.timeout, endpoint.reply, request.body()) {
            (false, Reply::Json | Reply::Empty, Some(_)) => Self::Upload,
            (false, Reply::Json | Reply::Empty, None) => Self::LongPoll(asked(request)),
            _ => Self::Plain,
        }
    }

    /// How much longer than others this call may take.
    pub(crate) fn extra(self) -> Duration {
        match self {
            Self::LongPoll(asked) => asked,
            Self::Plain | Self::Upload => Duration::ZERO,
        }
    }
}

/// In whole seconds. A long poll without a time, or with an unlimited one, gets no extra time.
fn asked(request: &Request) -> Duration {
    let mut pairs = request.url().query_pairs();
    let asked = pairs.find(|(name, _)| name == "timeout").and_then(|(_, seconds)| seconds.parse().ok());
    asked.map(Duration::from_secs).unwrap_or_default()
}

/// The shortest limit that applies to an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// The rest of it.
    pub(crate) left: Duration,
    set: Duration,
    name: &'static str,
    extra: Duration,
}

impl Bound {
    /// The limit for the head. An upload takes as long as it takes: only the server's silence is limited.
    pub(crate) fn of_head(limits: &Limits, retry: &Retry, left: Duration, course: Course) -> Self {
        let head = Self { left: limits.head, set: limits.head, name: "Limits::head", extra: Duration::ZERO };
        #[cfg(windlass_planted)]
        if crate::transport::planted::has("no-limit") {
            return Self { left: Duration::MAX, ..head };
        }
        match course {
            Course::Upload if retry.attempt < limits.head => Self::of_whole(retry, Duration::MAX),
            Course::Upload => head,
            Course::Plain | Course::LongPoll(_) => {
                let whole = Self::of_whole(retry, left);
                let shorter = if whole.left <= head.left { whole } else { head };
                shorter.beyond(course)
            }
        }
    }

    /// With the extra time of such a call.
    pub(crate) fn beyond(self, course: Course) -> Self {
        let extra = course.extra();
        Self { left: self.left.saturating_add(extra), extra, ..self }
    }

    /// The limit for the whole answer.
    pub(crate) fn of_whole(retry: &Retry, left: Duration) -> Self {
        let extra = Duration::ZERO;
        match retry.attempt <= left {
            true => Self { left: retry.attempt, set: retry.attempt, name: "Retry::attempt_timeout", extra },
            false => Self { left, set: retry.total, name: "Retry::total", extra },
        }
    }

    /// The error when nothing came.
    pub(crate) fn no_answer(&self) -> Error {
        self.over("no answer")
    }

    /// The error when the answer began but didn't end.
    pub(crate) fn no_end(&self) -> Error {
        self.over("the answer was incomplete")
    }

    fn over(&self, what: &str) -> Error {
        let Self { set, name, extra, .. } = self;
        let message = match extra.is_zero() {
            true => format!("{what} within {set:?} ({name})"),
            false => format!("{what} within {set:?} ({name}) beyond the {extra:?} asked for"),
        };
        Error::new(ErrorKind::Timeout, message).with(|e| e.sent = Sent::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_shortest_limit_is_named() {
        let limits = Limits::default().head(10 * SECOND);
        let retry = Retry::default().attempt_timeout(20 * SECOND).total(120 * SECOND);
        let told = |limits: &Limits, retry: &Retry, left: Duration, course| {
            let bound = Bound::of_head(limits, retry, left, course);
            (bound.left, bound.no_answer().message().to_owned())
        };
        let all = 120 * SECOND;
        for (bound, left, text) in [
            (told(&limits, &retry, all, Course::Plain), 10, "no answer within 10s (Limits::head)"),
            (
                told(&Limits::default(), &retry, all, Course::Plain),
                20,
                "no answer within 20s (Retry::attempt_timeout)",
            ),
            (told(&limits, &retry, 5 * SECOND, Course::Plain), 5, "no answer within 120s (Retry::total)"),
            (
                told(&limits, &retry, all, Course::LongPoll(30 * SECOND)),
                40,
                "no answer within 10s (Limits::head) beyond the 30s asked for",
            ),
            (
                told(&limits, &retry, Duration::ZERO, Course::Upload),
                10,
                "no answer within 10s (Limits::head)",
            ),
            (
                told(&Limits::default(), &retry, Duration::ZERO, Course::Upload),
                20,
                "no answer within 20s (Retry::attempt_timeout)",
            ),
        ] {
            assert_eq!((bound.0, bound.1.as_str()), (left * SECOND, text));
        }
    }

    #[test]
    fn extremes() {
        for time in [Duration::ZERO, Duration::MAX] {
            let (limits, retry) =
                (Limits::default().head(time), Retry::default().attempt_timeout(time).total(time));
            for course in [Course::Plain, Course::LongPoll(time), Course::Upload] {
                assert_eq!(Bound::of_head(&limits, &retry, time, course).left, time);
            }
        }
    }

    #[test]
    fn long_polls_tell_their_time() -> Result<(), Box<dyn std::error::Error>> {
        for (query, seconds) in [
            ("?timeout=30", 30),
            ("?project=p&timeout=5", 5),
            ("?timeout=-1", 0),
            ("?timeout=soon", 0),
            ("", 0),
            ("?timeout=18446744073709551615", u64::MAX),
        ] {
            let url = format!("http://incus/1.0/operations/1/wait{query}").parse()?;
            assert_eq!(asked(&Request::new(reqwest::Method::GET, url)).as_secs(), seconds, "{query}");
        }
        Ok(())
    }
}
