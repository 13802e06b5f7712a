//! A task that ends with its owner.

use std::panic::resume_unwind;

use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;

/// Runs without being polled, until it is dropped.
pub(crate) struct Background<T>(JoinHandle<T>);

impl<T: Send + 'static> Background<T> {
    pub(crate) fn run(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work.in_current_span()))
    }

    /// Its result. A panic goes on in the caller; what else ends a task is an error, for example the end of its runtime.
    pub(crate) async fn end(mut self) -> Result<T, JoinError> {
        match (&mut self.0).await {
            Err(e) if e.is_panic() => resume_unwind(e.into_panic()),
            ended => ended,
        }
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_its_owner() {
        let (alive, ended) = oneshot::channel::<()>();
        let task = Background::run(async move {
            std::future::pending::<()>().await;
            drop(alive);
        });
        drop(task);
        assert!(timeout(Duration::from_secs(1), ended).await.is_ok_and(|ended| ended.is_err()));
        assert_eq!(Background::run(async { 3 }).end().await.ok(), Some(3));
    }

    #[tokio::test]
    #[should_panic(expected = "from within")]
    async fn a_panic_reaches_the_caller() {
        let _ = Background::run(async { assert_eq!(1, 2, "from within") }).end().await;
    }
}
