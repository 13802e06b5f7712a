//! Calls that wait until something is ready, within one deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::poll::pauses;
use super::reply;
use crate::error::{Error, ErrorKind, Sent};
use crate::instant;
use crate::wait::Operation;

/// When a whole call must be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    ends: Instant,
    limit: Duration,
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        Self { ends: instant::from_now(limit), limit }
    }

    pub(super) fn left(self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// Limits a wait to the time that is left. If it runs out, the error names the whole limit.
    pub(super) fn limits<T>(self, operation: Operation<T>) -> Operation<T> {
        operation.with_left(self.left(), self.limit)
    }

    /// Pauses; false if the deadline comes first.
    pub(super) async fn pause(self, pause: Duration) -> bool {
        let in_time = pause < self.left();
        if in_time {
            sleep(pause).await;
        }
        in_time
    }

    /// The result of a future, unless the deadline comes first.
    pub(super) async fn bound<T>(self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match tokio::time::timeout_at(self.ends, work).await {
            Ok(result) => result,
            Err(_) => Err(self.over()),
        }
    }

    fn over(self) -> Error {
        Error::new(ErrorKind::Timeout, format!("not done within {:?}", self.limit))
            .with(|e| e.sent = Sent::Unknown)
    }

    /// Repeats a call while the answer is 406: something isn't ready yet, and the server did nothing.
    ///
    /// Ends at once if waiting can't help, for example with an instance that failed.
    pub(super) async fn until_ready<T, F>(self, mut call: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut pauses = pauses();
        loop {
            let e = match self.bound(call()).await {
                Err(e) if reply::not_ready(&e).is_some_and(reply::may_become_ready) => e,
                result => return result,
            };
            tracing::debug!(error = %e, "not ready yet");
            if !self.pause(pauses.next()).await {
                return Err(e);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_ready(state: &str) -> Error {
        Error::new(ErrorKind::Conflict, format!("instance x is not ready ({state})"))
            .with(|e| e.status = Some(406))
    }

    #[tokio::test(start_paused = true)]
    async fn what_isnt_ready_is_asked_again_until_the_deadline() {
        let deadline = Deadline::after(Duration::from_secs(60));
        let mut calls = 0;
        let ready = deadline.until_ready(|| {
            calls += 1;
            let result = if calls < 4 { Err(not_ready("preflight")) } else { Ok(calls) };
            async move { result }
        });
        assert_eq!(ready.await.ok(), Some(4));
        let started = Instant::now();
        let never = Deadline::after(Duration::from_secs(20));
        let e =
            never.until_ready(|| async { Err::<(), _>(not_ready("creating")) }).await.map_err(|e| e.status());
        assert_eq!(e, Err(Some(406)));
        assert!(started.elapsed() <= Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_instance_isnt_waited_for() {
        let mut calls = 0;
        let deadline = Deadline::after(Duration::from_secs(60));
        let e = deadline.until_ready(|| {
            calls += 1;
            async { Err::<(), _>(not_ready("error")) }
        });
        assert!(e.await.is_err());
        assert_eq!(calls, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_hangs_cant_outlast_the_deadline() {
        let deadline = Deadline::after(Duration::from_secs(5));
        let e = deadline.until_ready(std::future::pending::<Result<(), Error>>).await.map_err(|e| e.kind());
        assert_eq!(e, Err(ErrorKind::Timeout));
    }
}
