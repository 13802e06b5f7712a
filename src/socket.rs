//! Websockets over a connection that reqwest upgraded: unix sockets, TLS and plain alike.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use progenitor_client::ResponseValue;
use reqwest::Upgraded;
use reqwest::header::SEC_WEBSOCKET_ACCEPT;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::call::Call;
use crate::error::{Error, Kind, Sent};

/// An open websocket. Dropping it drops the connection.
pub(crate) struct Socket(WebSocketStream<Listening<Upgraded>>);

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
        Ok(Self(
            WebSocketStream::from_raw_socket(Listening::to(answer.into_inner()), Role::Client, None).await,
        ))
    }

    /// The next frame; none when the other side closed properly. Pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            if let Some(told) = told(self.0.next().await) {
                return told;
            }
        }
    }

    /// The same, but an error if nothing at all is heard for so long, not even a ping: the other side may be gone
    /// without a word.
    pub(crate) async fn next_within(&mut self, quiet: Duration) -> Result<Option<Frame>, Error> {
        loop {
            let Ok(heard) = tokio::time::timeout(quiet, self.0.next()).await else {
                let e = Error::new(Kind::Interrupted, format!("websocket: nothing heard for {quiet:?}"));
                return Err(e.with(|inner| inner.sent = Sent::Unknown));
            };
            if let Some(told) = told(heard) {
                return told;
            }
        }
    }

    pub(crate) async fn send_binary(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.send(Message::Binary(bytes)).await
    }

    pub(crate) async fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.0.send(message).await.map_err(broken)?;
        match self.0.get_ref().gone {
            Some(kind) => Err(broken(io::Error::from(kind).into())),
            None => Ok(()),
        }
    }
}

/// A connection that can be read to its end although the other side no longer listens.
///
/// Servers send the last of a stream and drop the connection. The answer to a ping that came before would fail then, and
/// with it the reading of what has already arrived.
struct Listening<C> {
    connection: C,
    /// Why nobody hears us any more.
    gone: Option<io::ErrorKind>,
}

impl<C> Listening<C> {
    fn to(connection: C) -> Self {
        Self { connection, gone: None }
    }

    /// Takes note of a failed write, and lets it pass.
    fn pass<T>(&mut self, written: Poll<io::Result<T>>, as_if: T) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(e)) if is_gone(e.kind()) => {
                self.gone = Some(e.kind());
                Poll::Ready(Ok(as_if))
            }
            other => other,
        }
    }
}

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected)
}

impl<C: AsyncRead + Unpin> AsyncRead for Listening<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, into)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Listening<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(context, bytes);
        self.pass(written, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.connection).poll_flush(context);
        self.pass(flushed, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.connection).poll_shutdown(context);
        self.pass(shut, ())
    }
}

/// What a caller is to know of what was heard; nothing of pings.
fn told(heard: Option<Result<Message, tungstenite::Error>>) -> Option<Result<Option<Frame>, Error>> {
    match heard {
        None | Some(Ok(Message::Close(_))) => Some(Ok(None)),
        Some(Ok(Message::Text(text))) => Some(Ok(Some(Frame::Text(text.into())))),
        Some(Ok(Message::Binary(bytes))) => Some(Ok(Some(Frame::Binary(bytes)))),
        Some(Ok(_)) => None,
        Some(Err(e)) => Some(Err(broken(e))),
    }
}

fn broken(e: tungstenite::Error) -> Error {
    Error::new(Kind::Interrupted, format!("websocket: {e}")).with(|inner| {
        inner.sent = Sent::Unknown;
        inner.source = Some(e.into());
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has sent a ping and an empty text, and listens no more.
    struct Deaf(&'static [u8]);

    impl AsyncRead for Deaf {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            into.put_slice(self.0);
            self.0 = b"";
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Deaf {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    const PING_THEN_EMPTY_TEXT: &[u8] = &[0x89, 0, 0x81, 0];

    async fn second_frame<C: AsyncRead + AsyncWrite + Unpin>(connection: C) -> Option<Message> {
        let mut socket = WebSocketStream::from_raw_socket(connection, Role::Client, None).await;
        assert!(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
        socket.next().await?.ok()
    }

    #[tokio::test]
    async fn what_has_arrived_is_read_although_the_answer_to_a_ping_fails() {
        assert_eq!(second_frame(Deaf(PING_THEN_EMPTY_TEXT)).await, None);
        assert_eq!(second_frame(Listening::to(Deaf(PING_THEN_EMPTY_TEXT))).await, Some(Message::text("")));
    }
}
