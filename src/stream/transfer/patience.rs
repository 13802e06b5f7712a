//! How long to wait for the next piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// A limit on the wait for each piece.
///
/// One timer serves all of them: setting a new one for each piece costs more than passing the piece on, because it wakes
/// the thread that waits for connections.
pub(super) struct Patience {
    limit: Duration,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, since: Instant::now(), timer: Box::pin(sleep(limit)) }
    }

    /// Begins to wait for the next piece.
    pub(super) fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// Ready once the wait has lasted for the limit.
    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            match self.limit.checked_sub(self.since.elapsed()).filter(|left| !left.is_zero()) {
                // The timer was set for an earlier piece.
                Some(left) => self.timer.set(sleep(left)),
                None => return Poll::Ready(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_wait_for_one_piece_counts() {
        const LIMIT: Duration = Duration::from_secs(60);
        let mut patience = Patience::new(LIMIT);
        // Slow, but never silent for too long.
        for _ in 0..5 {
            patience.restart();
            let over = poll_fn(|context| patience.poll_over(context));
            assert!(tokio::time::timeout(LIMIT.mul_f64(0.9), over).await.is_err());
        }
        // What the reader does meanwhile isn't silence.
        sleep(LIMIT * 3).await;
        patience.restart();
        let started = Instant::now();
        poll_fn(|context| patience.poll_over(context)).await;
        assert_eq!(started.elapsed(), LIMIT);
    }
}
