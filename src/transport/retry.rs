//! May this be sent again, and when?

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::deadline;
use crate::error::Sent;
use crate::transport::RetryClass;

/// How failed requests are repeated: a plain value, for all calls of a handle.
///
/// ```
/// use std::time::Duration;
/// use windlass::Retry;
///
/// let patient = Retry::default().attempts(8).total(Duration::from_secs(300));
/// let never = Retry::never();
/// # let _ = (patient, never);
/// ```
///
/// What may be repeated at all is not decided here but by the API's spec: reading is repeated after any transient
/// failure, changing something only when the request provably never reached the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub(crate) attempts: u32,
    pub(crate) total: Duration,
    pub(crate) attempt: Duration,
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Default for Retry {
    /// Four attempts of 30 seconds each within two minutes, starting at 100 milliseconds apart, never more than
    /// 20 seconds.
    fn default() -> Self {
        Self {
            attempts: 4,
            total: Duration::from_secs(120),
            attempt: Duration::from_secs(30),
            first: Duration::from_millis(100),
            longest: Duration::from_secs(20),
        }
    }
}

impl Retry {
    /// Send once, whatever the outcome.
    ///
    /// Only a token that can be renewed has a second chance: a server that answers 401 to one did nothing else, so the
    /// request is sent once more, with a new token. That holds for [`ShakenFist`](crate::ShakenFist), for an organization
    /// of [`Koyeb`](crate::Koyeb), and for [`Incus`](crate::Incus) with bearer tokens.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How often a request is sent at most; 0 counts as 1. Sending it once more with a new token, as
    /// [`never`](Self::never) tells, doesn't count.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long one call may take, all attempts and pauses together; of a stream or a websocket, until it begins. Uploads
    /// have no such limit; a long poll has the time that it asks for on top.
    #[must_use]
    pub fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// How long one attempt may take; of a stream or a websocket, until it begins. An upload may take longer, as long as
    /// the server takes a piece of it from time to time; a long poll has the time that it asks for on top.
    #[must_use]
    pub fn attempt_timeout(mut self, attempt: Duration) -> Self {
        self.attempt = attempt;
        self
    }

    /// The first pause and the longest one. Pauses double from the first on and are drawn at random up to that.
    ///
    /// The longest also caps what a server asks for with `Retry-After`.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest.max(first);
        self
    }

    /// The pause before attempt number `next` (2 for the first repetition); `dice` is drawn from 0..1.
    pub(crate) fn pause(&self, next: u32, asked: Option<Duration>, dice: f64) -> Duration {
        let doublings = next.saturating_sub(2).min(20);
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.longest);
        let jittered = deadline::scaled(ceiling, dice.clamp(0.0, 1.0));
        asked.map_or(jittered, |asked| asked.min(self.longest).max(jittered))
    }
}

/// How an attempt went, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer with this status came whole.
    Answered(u16),
    /// No whole answer came; did the request reach the server?
    Broken(Sent),
}

/// What to do after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It worked, or sending it again would not help or not be safe.
    Stop,
    /// Sending it again is safe and may help.
    Again,
}

/// May an operation of this class be sent again after this outcome?
///
/// Pure: no limits, no clock, no budget.
pub(crate) fn verdict(class: RetryClass, not_processed: &[u16], outcome: Outcome) -> Verdict {
    let again = match (class, outcome) {
        (RetryClass::Never, _) => false,
        (RetryClass::Safe, Outcome::Answered(status)) => {
            is_transient(status) || not_processed.contains(&status)
        }
        (RetryClass::Safe, Outcome::Broken(_)) => true,
        (RetryClass::IfUnsent, Outcome::Answered(status)) => not_processed.contains(&status),
        (RetryClass::IfUnsent, Outcome::Broken(sent)) => sent == Sent::No,
    };
    if again { Verdict::Again } else { Verdict::Stop }
}

/// Statuses that tend to go away by themselves. 500 is not among them: some APIs answer it to bad input.
pub(crate) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 502 | 503 | 504)
}

/// Keeps a broken service from being drowned in repetitions.
///
/// Every repetition takes tokens, every success gives one back; with none left, calls fail at their first failure.
/// One budget serves all handles of a client.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    const FULL: u32 = 500;
    const REPETITION: u32 = 5;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// Pays for one repetition, if there is enough left.
    pub(crate) fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(Self::REPETITION))
            .is_ok()
    }

    /// Pays one token back for a success.
    pub(crate) fn give_back(&self) {
        // A full budget is the normal state: look before writing to a shared cache line.
        if self.0.load(Ordering::Relaxed) < Self::FULL {
            let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left < Self::FULL).then_some(left + 1)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::RetryClass::{IfUnsent, Never, Safe};

    #[test]
    fn verdict_by_table() {
        use Outcome::{Answered, Broken};
        let table: &[(RetryClass, &[u16], Outcome, bool)] = &[
            (Safe, &[], Answered(200), false),
            (Safe, &[], Answered(404), false),
            (Safe, &[], Answered(408), true),
            (Safe, &[], Answered(429), true),
            (Safe, &[], Answered(500), false),
            (Safe, &[500], Answered(500), true),
            (Safe, &[], Answered(502), true),
            (Safe, &[], Answered(503), true),
            (Safe, &[], Answered(504), true),
            (Safe, &[], Broken(Sent::No), true),
            (Safe, &[], Broken(Sent::Yes), true),
            (Safe, &[], Broken(Sent::Unknown), true),
            (IfUnsent, &[], Answered(202), false),
            (IfUnsent, &[], Answered(429), false),
            (IfUnsent, &[429], Answered(429), true),
            (IfUnsent, &[429], Answered(503), false),
            (IfUnsent, &[], Answered(503), false),
            (IfUnsent, &[], Broken(Sent::No), true),
            (IfUnsent, &[], Broken(Sent::Yes), false),
            (IfUnsent, &[], Broken(Sent::Unknown), false),
            (Never, &[429], Answered(429), false),
            (Never, &[], Answered(503), false),
            (Never, &[], Broken(Sent::No), false),
            (Never, &[], Broken(Sent::Unknown), false),
        ];
        for &(class, not_processed, outcome, again) in table {
            let expected = if again { Verdict::Again } else { Verdict::Stop };
            assert_eq!(
                verdict(class, not_processed, outcome),
                expected,
                "{class:?} {not_processed:?} {outcome:?}"
            );
        }
    }

    #[test]
    fn pauses_double_are_jittered_and_capped() {
        let retry = Retry::default().backoff(Duration::from_secs(1), Duration::from_secs(10));
        let pause = |next, asked: Option<u64>, dice| {
            retry.pause(next, asked.map(Duration::from_secs), dice).as_millis()
        };
        assert_eq!(pause(2, None, 1.0), 1_000);
        assert_eq!(pause(3, None, 1.0), 2_000);
        assert_eq!(pause(3, None, 0.25), 500);
        assert_eq!(pause(30, None, 1.0), 10_000);
        assert_eq!(pause(2, Some(3), 1.0), 3_000);
        assert_eq!(pause(4, Some(1), 1.0), 4_000);
        assert_eq!(pause(2, Some(86_400), 0.0), 10_000);
    }

    #[test]
    fn pauses_at_the_extremes() {
        for (first, longest) in [(Duration::ZERO, Duration::ZERO), (Duration::MAX, Duration::MAX)] {
            let retry = Retry::default().backoff(first, longest).attempts(u32::MAX);
            for next in [0, 1, 2, u32::MAX] {
                assert_eq!(retry.pause(next, None, 1.0), first);
                assert_eq!(retry.pause(next, Some(Duration::MAX), 0.0), longest);
            }
        }
    }

    #[test]
    fn budget_runs_dry_and_recovers() {
        let budget = Budget::new();
        assert_eq!((0..1_000).filter(|_| budget.take()).count(), 100);
        (0..4).for_each(|_| budget.give_back());
        assert!(!budget.take());
        budget.give_back();
        assert!(budget.take());
    }
}
