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

use super::reply::{Reply, Talk};
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

/// What ends a websocket before its time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// Cut after so many bytes.
    Bytes(usize),
    /// A Close frame in place of the first thing that is sent.
    Close,
}

/// Talks once hyper hands the connection over.
pub(crate) async fn converse(upgrade: OnUpgrade, talk: Talk, limit: Option<Limit>) {
    if let Ok(stream) = upgrade.await {
        let stream = TokioIo::new(stream);
        let stream = match limit {
            None => Limited { stream, left: None, farewell: &[] },
            Some(Limit::Bytes(bytes)) => Limited { stream, left: Some(bytes), farewell: &[] },
            Some(Limit::Close) => Limited { stream, left: Some(0), farewell: CLOSE },
        };
        talk(WebSocketStream::from_raw_socket(stream, Role::Server, None).await).await;
    }
}

/// A Close frame without a reason.
const CLOSE: &[u8] = &[0x88, 0];

/// A stream that fails once its allowance of written bytes is used up.
#[derive(Debug)]
pub(crate) struct Limited {
    stream: TokioIo<Upgraded>,
    left: Option<usize>,
    /// What is still written then.
    farewell: &'static [u8],
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
            if !self.farewell.is_empty() {
                let last = std::mem::take(&mut self.farewell);
                // Two bytes always fit.
                let _ = Pin::new(&mut self.stream).poll_write(cx, last);
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
