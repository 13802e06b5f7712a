//! Pushes: a request body with progress and a limit on silence.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http_body::{Body, Frame, SizeHint};

use super::content::Pieces;
use super::{Content, IDLE, Tell, Transferred};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::outgoing::Silence;
use crate::transport::{self, Label};

/// The upload that all push builders share.
#[derive(Debug)]
pub(crate) struct Upload {
    content: Content,
    idle: Duration,
    tell: Option<Telling>,
}

struct Telling(Tell);

impl std::fmt::Debug for Telling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tell")
    }
}

impl Upload {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, idle: IDLE, tell: None }
    }

    pub(crate) fn on_progress(&mut self, tell: impl FnMut(Transferred) + Send + 'static) {
        self.tell = Some(Telling(Box::new(tell)));
    }

    pub(crate) fn idle_timeout(&mut self, limit: Duration) {
        self.idle = limit;
    }

    /// The size of the content, as far as it is known by now.
    #[cfg(feature = "incus")]
    pub(crate) fn size(&self) -> impl Future<Output = Option<u64>> + Send + use<> {
        self.content.size()
    }

    /// How long the server may take nothing.
    #[cfg(feature = "incus")]
    pub(crate) fn idle(&self) -> Duration {
        self.idle
    }

    /// Sends the content with `send`. Sends it again only if no connection could be made and the content can be read
    /// again. Also returns the number of bytes.
    pub(crate) async fn send<T, F>(
        self,
        label: &Label,
        mut send: impl FnMut(transport::Body) -> F,
    ) -> Result<(T, u64), Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (mut content, mut tell) = (self.content, self.tell);
        for made in 1.. {
            let (pieces, spare) = content.open().await.map_err(|e| label.on(e))?;
            let monitor = Monitor::new(pieces.length, tell.take());
            let body = transport::Body::of(reqwest::Body::wrap(MonitoredBody::new(pieces, monitor.clone())));
            let result = tokio::select! {
                result = send(body) => result,
                () = monitor.silence.lasts(self.idle) => Err(monitor.idle(self.idle)),
            };
            let e = match result {
                Ok(value) => return Ok((value, monitor.lock().expected())),
                Err(e) => {
                    monitor.own_fault(e).with(|e| e.attempts += if e.attempts > 0 { made - 1 } else { 0 })
                }
            };
            content = match spare.filter(|_| made < label.retry().attempts && e.kind() == ErrorKind::Connect)
            {
                Some(spare) => spare,
                None => return Err(label.on(e)),
            };
            tell = monitor.lock().tell.take();
            tokio::time::sleep(label.retry().pause(made + 1, None, rand::random())).await;
        }
        // Not reached before four billion attempts.
        Err(label.on(Monitor::new(None, None).idle(self.idle)))
    }
}

/// The state of a body on its way.
struct Monitor {
    state: Mutex<State>,
    silence: Silence,
}

struct State {
    progress: Transferred,
    tell: Option<Telling>,
    /// Whether the server has taken everything.
    whole: bool,
    /// The error of reading the content.
    fault: Option<std::io::Error>,
}

impl Monitor {
    fn new(total: Option<u64>, tell: Option<Telling>) -> Arc<Self> {
        let progress = Transferred { bytes: 0, total };
        let state = State { progress, tell, whole: total == Some(0), fault: None };
        Arc::new(Self { state: Mutex::new(state), silence: Silence::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self, limit: Duration) -> Error {
        let state = self.lock();
        let message = match state.whole {
            true => format!("all {} bytes were sent, but no answer came for {limit:?}", state.progress.bytes),
            false => format!("the server took nothing for {limit:?}"),
        };
        Error::new(ErrorKind::Timeout, message).with(|e| e.sent = Sent::Unknown)
    }

    /// Replaces the error of the request if the content could not be read.
    fn own_fault(&self, e: Error) -> Error {
        match self.lock().fault.take() {
            Some(fault) => e.with(|inner| {
                inner.kind = ErrorKind::Io;
                inner.message = format!("can't read the content to push: {fault}");
                inner.source = Some(fault.into());
            }),
            None => e,
        }
    }
}

impl State {
    /// How many bytes the server should have.
    fn expected(&self) -> u64 {
        self.progress.total.unwrap_or(self.progress.bytes)
    }

    fn took(&mut self, bytes: usize) {
        self.progress.bytes = self.progress.bytes.saturating_add(bytes as u64);
        if let Some(Telling(tell)) = &mut self.tell {
            tell(self.progress);
        }
    }
}

/// A request body that records its progress.
struct MonitoredBody {
    // A body must be `Sync`, hence the lock. Only this body takes it.
    pieces: Mutex<BoxStream<'static, std::io::Result<Bytes>>>,
    left: Option<u64>,
    monitor: Arc<Monitor>,
}

impl MonitoredBody {
    fn new(pieces: Pieces, monitor: Arc<Monitor>) -> Self {
        Self { pieces: Mutex::new(pieces.pieces), left: pieces.length, monitor }
    }
}

impl Body for MonitoredBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let pieces = this.pieces.get_mut().unwrap_or_else(PoisonError::into_inner);
        let polled = pieces.as_mut().poll_next(context);
        this.monitor.silence.heard(polled.is_pending());
        let mut state = this.monitor.lock();
        let piece = match ready!(polled) {
            Some(Ok(piece)) => piece,
            Some(Err(e)) => {
                state.fault = Some(std::io::Error::new(e.kind(), e.to_string()));
                return Poll::Ready(Some(Err(e)));
            }
            None => {
                state.whole = true;
                return Poll::Ready(None);
            }
        };
        state.took(piece.len());
        this.left = this.left.map(|left| left.saturating_sub(piece.len() as u64));
        state.whole = this.left == Some(0);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}
