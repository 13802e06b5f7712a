//! What can go wrong with a websocket after it was opened.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::testing::server::limited::WebSocket;
use futures_util::SinkExt;

#[derive(Debug)]
pub(super) enum Quirk {
    Error(i32, String),
    /// Said first; then all goes on as usual.
    Say(String),
    Cut,
    Dead,
}

impl Quirk {
    /// Gives the connection back if it goes on.
    pub(super) async fn play(self, mut socket: WebSocket) -> Option<WebSocket> {
        match self {
            Quirk::Say(frame) => {
                let _ = socket.send(Message::text(frame)).await;
                return Some(socket);
            }
            Quirk::Error(code, message) => {
                let error = json!({"error": {"code": code, "message": message, "details": []}});
                let _ = socket.send(Message::text(error.to_string())).await;
                let _ = socket.close(None).await;
            }
            Quirk::Cut => drop(socket),
            Quirk::Dead => {
                let _held = socket;
                std::future::pending::<()>().await;
            }
        }
        None
    }
}
