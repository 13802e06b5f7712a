//! The limit on concurrent requests of a client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};

/// Lets a number of requests pass at once. Others wait in order.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    size: usize,
}

/// The permission to send a request, until it is dropped.
pub(crate) type Permit = OwnedSemaphorePermit;

impl Gate {
    pub(crate) fn of(size: usize) -> Self {
        let size = size.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(size)), size }
    }

    /// Waits for a permit. `None` after `limit`.
    pub(crate) async fn permit(&self, limit: Duration) -> Option<Permit> {
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Some(permit);
        }
        let _queueing = Queueing::begin();
        // The semaphore is never closed.
        tokio::time::timeout(limit, self.places.clone().acquire_owned()).await.ok()?.ok()
    }

    /// The error when no permit came within `limit`.
    pub(crate) fn full(&self, limit: Duration) -> Error {
        let size = self.size;
        let message = format!(
            "no request slot became free within {limit:?} (Retry::total): {size} requests are in flight (Limits::in_flight)"
        );
        Error::new(ErrorKind::Timeout, message)
    }
}

tokio::task_local! {
    static QUEUED: Queued;
}

/// How long a future has waited in queues of this program. The server isn't to blame for that time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queued(Arc<Mutex<Stood>>);

#[derive(Debug, Default)]
struct Stood {
    before: Duration,
    /// How many of its requests wait in a queue now, and since when.
    now: u32,
    since: Option<Instant>,
}

impl Queued {
    /// Runs `work`, and counts its time in queues.
    pub(crate) fn count<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        QUEUED.scope(self.clone(), work)
    }

    pub(crate) fn time(&self) -> Duration {
        let stood = self.lock();
        stood.before.saturating_add(stood.since.map(|since| since.elapsed()).unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Stood> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits in a queue.
struct Queueing(Option<Queued>);

impl Queueing {
    fn begin() -> Self {
        let queued = QUEUED.try_with(Queued::clone).ok();
        if let Some(queued) = &queued {
            let mut stood = queued.lock();
            stood.now += 1;
            stood.since.get_or_insert_with(Instant::now);
        }
        Self(queued)
    }
}

impl Drop for Queueing {
    fn drop(&mut self) {
        let Some(queued) = &self.0 else { return };
        let mut stood = queued.lock();
        stood.now = stood.now.saturating_sub(1);
        if stood.now == 0
            && let Some(since) = stood.since.take()
        {
            stood.before = stood.before.saturating_add(since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_pass_and_others_wait_in_order() {
        let gate = Gate::of(2);
        let limit = Duration::from_secs(10);
        let (first, second) = (gate.permit(limit).await, gate.permit(limit).await);
        assert!(first.is_some() && second.is_some());
        assert!(gate.permit(limit).await.is_none());
        let (kind, text) = (gate.full(limit).kind(), gate.full(limit).to_string());
        assert!(kind == ErrorKind::Timeout && text.contains("2 requests") && text.contains("10s"), "{text}");
        let order = Mutex::new(Vec::new());
        let wait = |number| {
            let (gate, order) = (&gate, &order);
            async move {
                let permit = gate.permit(limit).await;
                order.lock().unwrap_or_else(PoisonError::into_inner).push(number);
                tokio::time::sleep(Duration::from_millis(1)).await;
                drop(permit);
            }
        };
        let free = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(first);
        };
        tokio::join!(wait(1), wait(2), wait(3), free);
        assert_eq!(order.into_inner().unwrap_or_default(), [1, 2, 3]);
        drop(second);
        assert_eq!(gate.places.available_permits(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_the_queue_is_counted_apart() {
        let (gate, queued) = (Gate::of(1), Queued::default());
        let held = gate.permit(Duration::MAX).await;
        let work = queued.count(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            gate.permit(Duration::MAX).await.map(drop)
        });
        let free = async {
            tokio::time::sleep(Duration::from_secs(8)).await;
            assert_eq!(queued.time(), Duration::from_secs(3));
            drop(held);
            tokio::time::sleep(Duration::from_secs(8)).await;
        };
        assert!(tokio::join!(work, free).0.is_some());
        assert_eq!(queued.time(), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn extremes() {
        for size in [0, 1, usize::MAX] {
            assert!(Gate::of(size).permit(Duration::ZERO).await.is_some(), "{size}");
        }
        let gate = Gate::of(0);
        let _held = gate.permit(Duration::MAX).await;
        assert!(gate.permit(Duration::ZERO).await.is_none());
    }
}
