//! How long a connection has been silent, and whether that means that it is dead.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

/// Measures the silence of a connection.
pub(super) struct Pulse {
    silence: Mutex<Silence>,
    /// Something has arrived for the first time.
    first: Notify,
}

struct Silence {
    quiet: Duration,
    limit: Duration,
    so_far: Duration,
    /// The other side was pinged.
    asked: bool,
    trust: Trust,
    /// Something has arrived.
    heard: bool,
    /// Nothing has since a ping of the other side.
    pinged: bool,
}

/// What tells that the other side is alive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It answers pings.
    Answers,
    /// It may be too busy to answer, but if it pings by itself, it goes on with that.
    ItsPings,
    /// Nothing: it may be silent.
    Nothing,
}

/// What to do after a silence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    /// Ping the other side.
    Ask,
    Dead,
}

impl Pulse {
    const LOOK: Duration = Duration::from_secs(10);

    /// For a connection that is pinged after a silence of `quiet`, and dead after another of `limit`.
    pub(super) fn new(quiet: Duration, limit: Duration) -> Self {
        let (so_far, trust) = (Duration::ZERO, Trust::Answers);
        let silence = Silence { quiet, limit, so_far, asked: false, trust, heard: false, pinged: false };
        Self { silence: Mutex::new(silence), first: Notify::new() }
    }

    pub(super) fn trust(&self, trust: Trust) {
        self.with(|silence| silence.trust = trust);
    }

    /// How long to wait before looking again. What is trusted may change meanwhile.
    pub(super) fn patience(&self) -> Duration {
        self.with(|silence| silence.left()).min(Self::LOOK)
    }

    /// Measures the time of one read, cancelled or not.
    pub(super) fn stopwatch(&self) -> Stopwatch<'_> {
        Stopwatch { pulse: self, since: Instant::now() }
    }

    /// Something has arrived.
    pub(super) fn hear(&self, message: &Message) {
        let is_first = self.with(|silence| {
            (silence.so_far, silence.asked) = (Duration::ZERO, false);
            // The answer to a ping takes nothing away: the other side sends it in between.
            silence.pinged = message.is_ping() || silence.pinged && message.is_pong();
            !std::mem::replace(&mut silence.heard, true)
        });
        if is_first {
            self.first.notify_one();
        }
    }

    pub(super) fn has_heard(&self) -> bool {
        self.with(|silence| silence.heard)
    }

    /// Waits until something has arrived; only one task may.
    pub(super) async fn heard(&self) {
        if !self.has_heard() {
            self.first.notified().await;
        }
    }

    pub(super) fn judge(&self) -> Verdict {
        self.with(|silence| match (silence.left().is_zero(), silence.asked) {
            (false, _) => Verdict::Wait,
            (true, true) => Verdict::Dead,
            (true, false) => {
                (silence.so_far, silence.asked) = (Duration::ZERO, true);
                Verdict::Ask
            }
        })
    }

    /// Nothing is left half-done if a thread panics.
    fn with<T>(&self, look: impl FnOnce(&mut Silence) -> T) -> T {
        look(&mut self.silence.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Silence {
    fn left(&self) -> Duration {
        let counts = match self.trust {
            Trust::Answers => true,
            Trust::ItsPings => self.pinged,
            Trust::Nothing => false,
        };
        let most = match self.asked {
            false => self.quiet,
            true if counts => self.limit,
            true => Duration::MAX,
        };
        most.saturating_sub(self.so_far)
    }
}

/// Adds the time of one read to the silence.
pub(super) struct Stopwatch<'a> {
    pulse: &'a Pulse,
    since: Instant,
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        self.pulse.with(|silence| silence.so_far += self.since.elapsed());
    }
}
