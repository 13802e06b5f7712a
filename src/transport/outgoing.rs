//! A request body on its way, and how long the server has taken nothing of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::Request;
use tokio::time::Instant;

/// When the other side last took something.
#[derive(Debug, Clone)]
pub(crate) struct Silence(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    last: Instant,
    /// Whether the content, not the server, is being waited for.
    reading: bool,
}

impl Silence {
    /// From now on.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { last: Instant::now(), reading: false })))
    }

    /// Observes the body of a request.
    pub(crate) fn of(request: &mut Request) -> Self {
        let silence = Self::new();
        if let Some(body) = request.body_mut().take() {
            *request.body_mut() = Some(reqwest::Body::wrap(Outgoing { body, silence: silence.clone() }));
        }
        silence
    }

    /// Ends once the server has taken nothing for `limit`.
    pub(crate) async fn lasts(&self, limit: Duration) {
        loop {
            let quiet = {
                let state = self.lock();
                if state.reading { Duration::ZERO } else { state.last.elapsed() }
            };
            match limit.checked_sub(quiet).filter(|left| !left.is_zero()) {
                Some(left) => tokio::time::sleep(left).await,
                None => return,
            }
        }
    }

    /// The server has taken or was offered a piece. `reading` if the next one has yet to be read.
    pub(crate) fn heard(&self, reading: bool) {
        let mut state = self.lock();
        (state.last, state.reading) = (Instant::now(), reading);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Outgoing {
    body: reqwest::Body,
    silence: Silence,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<reqwest::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.silence.heard(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
