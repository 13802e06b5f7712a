//! When a request may be sent again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::Sent;
use crate::instant;
use crate::transport::RetryClass;
#[cfg(windlass_planted)]
use crate::transport::planted;

/// The retry policy of a handle: a plain value.
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
/// The API's spec decides what may be repeated: reads after any transient failure, changes only if the request
/// certainly never reached the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub(crate) attempts: u32,
    pub(crate) total: Duration,
    pub(crate) attempt: Duration,
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Default for Retry {
    /// Four attempts of up to 30 seconds, within two minutes. The pauses start at 100 milliseconds and never exceed 20
    /// seconds.
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
    /// Sends a request once, whatever happens.
    ///
    /// Only a renewable token gets a second chance: a server that answers 401 did nothing else, so the request is sent
    /// again with a new token. This applies to [`ShakenFist`](crate::ShakenFist), to an organization of
    /// [`Koyeb`](crate::Koyeb), and to [`Incus`](crate::Incus) with bearer tokens.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How many times a request is sent at most; 0 counts as 1. A repetition with a new token doesn't count; see
    /// [`never`](Self::never).
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long a call may take, including all attempts and pauses. For a stream or a websocket, until it begins.
    /// Uploads have no such limit; a long poll gets the time that it asks for on top.
    #[must_use]
    pub fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// How long one attempt may take. For a stream or a websocket, until it begins. An upload may take longer while the
    /// server keeps taking data; a long poll gets the time that it asks for on top.
    #[must_use]
    pub fn attempt_timeout(mut self, attempt: Duration) -> Self {
        self.attempt = attempt;
        self
    }

    /// The first and the longest pause. Pauses double, and each is drawn at random up to that value.
    ///
    /// The longest pause also caps the server's `Retry-After`.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest.max(first);
        self
    }

    /// The pause before attempt `next`, which is 2 for the first repetition. `dice` is a random number in 0..1.
    pub(crate) fn pause(&self, next: u32, asked: Option<Duration>, dice: f64) -> Duration {
        let doublings = next.saturating_sub(2).min(20);
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.longest);
        let jittered = instant::scaled(ceiling, dice.clamp(0.0, 1.0));
        asked.map_or(jittered, |asked| asked.min(self.longest).max(jittered))
    }
}

/// The outcome of an attempt, for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A complete answer with this status.
    Answered(u16),
    /// No complete answer. Did the request reach the server?
    Broken(Sent),
}

/// Whether to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Done, or sending again would not help or not be safe.
    Stop,
    /// Sending again is safe and may help.
    Again,
}

/// Whether an operation of this class may be sent again after this outcome.
///
/// Pure: no limits, no clock, no budget.
pub(crate) fn verdict(class: RetryClass, not_processed: &[u16], outcome: Outcome) -> Verdict {
    #[cfg(windlass_planted)]
    let class = if planted::has("retry-post") { RetryClass::Safe } else { class };
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

/// Statuses that often pass. 500 is not among them, because some APIs answer it to bad input.
pub(crate) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 502 | 503 | 504)
}

/// Protects a failing service from a flood of retries.
///
/// Every retry takes tokens, every success returns one. Without tokens, calls fail at their first failure. All handles
/// of a client share one budget.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    const FULL: u32 = 500;
    const REPETITION: u32 = 5;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// Takes the tokens for one retry, if there are enough.
    pub(crate) fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(Self::REPETITION))
            .is_ok()
    }

    /// Returns one token after a success.
    pub(crate) fn give_back(&self) {
        // A full budget is the normal state: read before writing to a shared cache line.
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
