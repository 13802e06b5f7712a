//! A queue that keeps requests below the rate limit of a service.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::instant;

/// The pace of requests of one account, for services with a published rate limit.
///
/// ```
/// use std::time::Duration;
/// use windlass::Pacing;
///
/// let shared_account = Pacing::new(Duration::from_secs(2)).launches(Duration::from_secs(30));
/// let unpaced = Pacing::none();
/// # let _ = (shared_account, unpaced);
/// ```
///
/// All handles with the same key in this process share one queue, first come, first served. Time in the queue counts
/// against the time limit of the call. Dropping the call leaves the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    every: Duration,
    launches: Duration,
}

impl Pacing {
    /// At least `every` between two requests. Launches have no separate limit.
    pub const fn new(every: Duration) -> Self {
        Self { every, launches: Duration::ZERO }
    }

    /// At least `every` between two launches.
    #[must_use]
    pub const fn launches(mut self, every: Duration) -> Self {
        self.launches = every;
        self
    }

    /// No queue, for fakes.
    pub const fn none() -> Self {
        Self::new(Duration::ZERO)
    }
}

/// A handle's access to the queue of its account.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    lanes: Arc<Lanes>,
    pacing: Pacing,
    /// The operation with a separate limit.
    launch: &'static str,
}

/// The state that all handles of an account share.
#[derive(Debug, Default)]
struct Lanes {
    general: Lane,
    launches: Lane,
}

/// When the next request may go. The lock is the queue: tokio's mutex is fair.
#[derive(Debug, Default)]
struct Lane {
    free: tokio::sync::Mutex<Option<Instant>>,
    /// The service asked for a pause until then.
    closed: Mutex<Option<Instant>>,
}

/// The queues of this process, by a hash of service and key.
static QUEUES: LazyLock<Queues> = LazyLock::new(Queues::default);

/// A hash, so that no keys are kept here.
#[derive(Default)]
struct Queues {
    hasher: RandomState,
    lanes: Mutex<HashMap<u64, Arc<Lanes>>>,
}

impl Queues {
    fn of_account(&self, service: &str, key: &str) -> Arc<Lanes> {
        let account = self.hasher.hash_one((service, key));
        let mut queues = lock(&self.lanes);
        // Forget queues without waiters that would delay no request.
        queues.retain(|_, lanes| Arc::strong_count(lanes) > 1 || !lanes.is_idle());
        queues.entry(account).or_default().clone()
    }
}

impl Pace {
    /// The queue of the account with this key at this service.
    pub(crate) fn of_account(service: &str, key: &str, launch: &'static str, pacing: Pacing) -> Self {
        Self { lanes: QUEUES.of_account(service, key), pacing, launch }
    }

    /// Waits until this operation may be sent. Dropping the future leaves the queue without using up a turn.
    pub(crate) async fn turn(&self, operation: &str) {
        let general = self.lanes.general.turn();
        if operation != self.launch {
            return general.await.take(self.pacing.every);
        }
        let launches = self.lanes.launches.turn().await;
        general.await.take(self.pacing.every);
        launches.take(self.pacing.launches);
    }

    /// Reports that the service answered "too many requests".
    pub(crate) fn too_fast(&self, operation: &str, asked: Option<Duration>) {
        const LONGEST: Duration = Duration::from_secs(60);
        let (lane, usual) = match operation == self.launch {
            true => (&self.lanes.launches, self.pacing.launches),
            false => (&self.lanes.general, self.pacing.every.saturating_mul(5)),
        };
        if usual.is_zero() {
            return;
        }
        let until = instant::from_now(asked.unwrap_or_default().max(usual).min(LONGEST));
        let mut closed = lock(&lane.closed);
        *closed = (*closed).max(Some(until));
    }
}

impl Lanes {
    fn is_idle(&self) -> bool {
        self.general.is_idle() && self.launches.is_idle()
    }
}

/// Waits for the first place, and until the service accepts requests again.
struct Turn<'a>(tokio::sync::MutexGuard<'a, Option<Instant>>);

impl Turn<'_> {
    fn take(mut self, pause: Duration) {
        *self.0 = Some(instant::from_now(pause));
    }
}

impl Lane {
    async fn turn(&self) -> Turn<'_> {
        let free = self.free.lock().await;
        while let Some(until) = self.until(*free) {
            tokio::time::sleep_until(until).await;
        }
        Turn(free)
    }

    /// Until when no request may be sent.
    fn until(&self, free: Option<Instant>) -> Option<Instant> {
        let until = free.max(*lock(&self.closed));
        until.filter(|until| *until > Instant::now())
    }

    fn is_idle(&self) -> bool {
        self.free.try_lock().is_ok_and(|free| self.until(*free).is_none())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic can't leave these plain values half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: Pacing = Pacing::new(Duration::from_secs(1)).launches(Duration::from_secs(12));

    fn pace(key: &str) -> Pace {
        Pace::of_account("https://cloud.example", key, "launch", DOCUMENTED)
    }

    /// In seconds since `started`.
    async fn at(pace: &Pace, operation: &str, started: Instant) -> u64 {
        pace.turn(operation).await;
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_a_second_and_one_launch_in_twelve() {
        let (pace, started) = (pace("intervals"), Instant::now());
        assert_eq!(at(&pace, "get", started).await, 0);
        assert_eq!(at(&pace, "get", started).await, 1);
        assert_eq!(at(&pace, "launch", started).await, 2);
        assert_eq!(at(&pace, "get", started).await, 3);
        assert_eq!(at(&pace, "launch", started).await, 14);
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(at(&pace, "launch", started).await, 114);
    }

    #[tokio::test(start_paused = true)]
    async fn handles_of_one_key_share_a_queue_and_other_keys_do_not() {
        let started = Instant::now();
        let (one, two, other) = (pace("shared"), pace("shared"), pace("another"));
        let places = tokio::join!(
            at(&one, "get", started),
            at(&two, "get", started),
            at(&one, "get", started),
            at(&other, "get", started)
        );
        assert_eq!(places, (0, 1, 2, 0));
        // A client that is created anew for each call shares the queue, too.
        drop((one, two));
        assert_eq!(at(&pace("shared"), "get", started).await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queued_launch_holds_up_nobody_else() {
        let (pace, started) = (pace("lanes"), Instant::now());
        pace.turn("launch").await;
        let (launch, get, next) =
            tokio::join!(at(&pace, "launch", started), at(&pace, "get", started), at(&pace, "get", started));
        assert_eq!((launch, get, next), (12, 1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_leaves_the_queue_and_costs_nobody_a_turn() {
        let (pace, started) = (pace("cancel"), Instant::now());
        pace.turn("launch").await;
        let impatient = tokio::time::timeout(Duration::from_secs(5), pace.turn("launch"));
        let (gave_up, next) = tokio::join!(impatient, at(&pace, "launch", started));
        assert!(gave_up.is_err());
        assert_eq!(next, 12);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_makes_everybody_pause() {
        let (pace, started) = (pace("refused"), Instant::now());
        pace.turn("get").await;
        pace.too_fast("get", Some(Duration::from_secs(20)));
        let places = tokio::join!(at(&pace, "get", started), at(&pace, "get", started));
        assert_eq!(places, (20, 21));
        pace.too_fast("get", None);
        assert_eq!(at(&pace, "get", started).await, 26);
        // Requests that wait already are delayed, too.
        let refusal = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            pace.too_fast("get", Some(Duration::from_millis(9_500)));
        };
        assert_eq!(tokio::join!(at(&pace, "get", started), refusal).0, 36);
        // Whatever the service asks for.
        pace.too_fast("launch", Some(Duration::MAX));
        assert_eq!(at(&pace, "launch", started).await, 96);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_queues_are_forgotten() {
        // Not the queues of this process: other tests run on another clock.
        let queues = Queues::default();
        let pace = |key| Pace { lanes: queues.of_account("s", key), pacing: DOCUMENTED, launch: "launch" };
        let known = || lock(&queues.lanes).contains_key(&queues.hasher.hash_one(("s", "idle")));
        let gone = pace("idle");
        gone.turn("get").await;
        drop(gone);
        drop(pace("somebody else"));
        assert!(known());
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(pace("somebody else"));
        assert!(!known());
    }
}
