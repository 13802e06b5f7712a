//! The server's half of a websocket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::reply::{Reply, Talk, Tunnel};
use super::request::Request;

/// The connection after the handshake.
pub(crate) type WebSocket = WebSocketStream<Limited>;

/// The answer to a handshake, or nothing when the request is none.
pub(crate) fn handshake(request: &Request) -> Option<Reply> {
    let asked = request.header("upgrade")?.eq_ignore_ascii_case("websocket");
    let key = request.header("sec-websocket-key").filter(|_| asked)?;
    Some(
        Reply::new(101, "")
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes())),
    )
}

/// What a plain GET of a websocket gets.
pub(crate) fn not_a_handshake() -> Reply {
    Reply::new(400, "Bad Request\n")
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Sec-Websocket-Version", "13")
        .header("X-Content-Type-Options", "nosniff")
}

/// How much of an answer leaves, and what comes then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) bytes: usize,
    pub(crate) then: End,
}

/// What comes after the last byte that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// An error, upon which the connection is dropped.
    Cut,
    /// Nothing, on an open connection.
    Stall,
    /// The Close frame of a websocket. Other answers have no such end.
    Close,
}

impl Limit {
    pub(crate) const NONE: Limit = Limit { bytes: usize::MAX, then: End::Cut };
}

/// Talks once hyper hands the connection over.
pub(crate) async fn converse(upgrade: OnUpgrade, talk: Talk, limit: Option<Limit>) {
    if let Ok(stream) = upgrade.await {
        let stream = Limited::to(TokioIo::new(stream), limit);
        talk(WebSocketStream::from_raw_socket(stream, Role::Server, None).await).await;
    }
}

/// The same without websockets.
pub(crate) async fn dig(upgrade: OnUpgrade, talk: Tunnel, limit: Option<Limit>) {
    if let Ok(stream) = upgrade.await {
        talk(Limited::to(TokioIo::new(stream), limit)).await;
    }
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
    fn to(stream: TokioIo<Upgraded>, limit: Option<Limit>) -> Self {
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
                // Nobody is woken ever.
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
