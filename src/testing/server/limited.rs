//! A connection on which only so much of an answer leaves.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;

/// A websocket after the handshake.
pub(crate) type WebSocket = WebSocketStream<Limited>;

/// How much of an answer leaves, and what happens then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) bytes: usize,
    pub(crate) then: End,
}

/// What happens after the last byte that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// An error, and the connection is dropped.
    Cut,
    /// Nothing, on an open connection.
    Stall,
    /// The Close frame of a websocket. Other answers have no such end.
    Close,
}

impl Limit {
    pub(crate) const NONE: Limit = Limit { bytes: usize::MAX, then: End::Cut };
}

/// A Close frame without a reason.
const CLOSE: &[u8] = &[0x88, 0];

/// A stream that fails once its allowance of written bytes is used up.
#[derive(Debug)]
pub(crate) struct Limited {
    stream: TokioIo<Upgraded>,
    left: Option<usize>,
    then: End,
}

impl Limited {
    pub(crate) fn to(stream: TokioIo<Upgraded>, limit: Option<Limit>) -> Self {
        match limit {
            None => Self { stream, left: None, then: End::Cut },
            Some(Limit { bytes, then }) => Self { stream, left: Some(bytes), then },
        }
    }
}

impl AsyncRead for Limited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Limited {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let allowed = self.left.map_or(buf.len(), |left| left.min(buf.len()));
        if allowed == 0 && !buf.is_empty() {
            match std::mem::replace(&mut self.then, End::Cut) {
                // Nothing wakes this up again.
                End::Stall => {
                    self.then = End::Stall;
                    return Poll::Pending;
                }
                // Two bytes always fit.
                End::Close => _ = Pin::new(&mut self.stream).poll_write(cx, CLOSE),
                End::Cut => {}
            }
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..allowed]);
        if let (Poll::Ready(Ok(n)), Some(left)) = (&written, &mut self.left) {
            *left -= *n;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
