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

/// Talks once hyper hands the connection over; `limit` cuts it after so many bytes.
pub(crate) async fn converse(upgrade: OnUpgrade, talk: Talk, limit: Option<usize>) {
    if let Ok(stream) = upgrade.await {
        let stream = Limited { stream: TokioIo::new(stream), left: limit };
        talk(WebSocketStream::from_raw_socket(stream, Role::Server, None).await).await;
    }
}

/// The same without websockets.
pub(crate) async fn dig(upgrade: OnUpgrade, talk: Tunnel, limit: Option<usize>) {
    if let Ok(stream) = upgrade.await {
        talk(Limited { stream: TokioIo::new(stream), left: limit }).await;
    }
}

/// A stream that fails once its allowance of written bytes is used up.
#[derive(Debug)]
pub(crate) struct Limited {
    stream: TokioIo<Upgraded>,
    left: Option<usize>,
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
