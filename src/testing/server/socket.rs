//! The server's half of a websocket.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::limited::{Limit, Limited};
use super::reply::{Reply, Talk, Tunnel};
use super::request::Request;

/// The answer to a handshake; none if the request isn't one.
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

/// The answer to a plain GET of a websocket.
pub(crate) fn not_a_handshake() -> Reply {
    Reply::new(400, "Bad Request\n")
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Sec-Websocket-Version", "13")
        .header("X-Content-Type-Options", "nosniff")
}

/// Talks once hyper hands over the connection.
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
