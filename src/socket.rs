//! Websockets over a connection that reqwest upgraded: unix sockets, TLS and plain alike.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use progenitor_client::ResponseValue;
use reqwest::Upgraded;
use reqwest::header::SEC_WEBSOCKET_ACCEPT;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::error::{Error, Kind, Sent};
use crate::transport::Call;

/// An open websocket. Dropping it drops the connection.
pub(crate) struct Socket(WebSocketStream<Upgraded>);

/// What arrives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(Bytes),
    Binary(Bytes),
}

impl Socket {
    /// Takes over the connection of an answered upgrade request.
    pub(crate) async fn open<C>(call: &Call<C>, answer: ResponseValue<Upgraded>) -> Result<Self, Error> {
        let accepted = answer.headers().get(SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes().to_owned());
        let expected = call.websocket_key().map(|key| derive_accept_key(key.as_bytes()).into_bytes());
        if expected.is_some() && accepted != expected {
            return Err(
                call.bad_reply("the server's answer to the websocket request is not made from its key")
            );
        }
        Ok(Self(WebSocketStream::from_raw_socket(answer.into_inner(), Role::Client, None).await))
    }

    /// The next frame; none when the other side closed properly. Pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            match self.0.next().await {
                None | Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Ok(Message::Text(text))) => return Ok(Some(Frame::Text(text.into()))),
                Some(Ok(Message::Binary(bytes))) => return Ok(Some(Frame::Binary(bytes))),
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(broken(e)),
            }
        }
    }

    pub(crate) async fn send_binary(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.0.send(Message::Binary(bytes)).await.map_err(broken)
    }

    pub(crate) async fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.0.send(Message::text(text)).await.map_err(broken)
    }
}

fn broken(e: tungstenite::Error) -> Error {
    Error::new(Kind::Interrupted, format!("websocket: {e}")).with(|inner| {
        inner.sent = Sent::Unknown;
        inner.source = Some(e.into());
    })
}
