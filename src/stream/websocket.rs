//! Websockets over a connection that reqwest upgraded: over a unix socket, TLS or plain TCP.

use std::future::poll_fn;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::listening::Listening;
use super::pulse::{Pulse, Trust, Verdict};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::Facts;
use crate::transport::Upgraded;

/// An open websocket. Dropping it drops the connection.
///
/// Reading and writing may happen at the same time within one task.
pub(crate) struct Socket<C = Upgraded> {
    stream: Mutex<WebSocketStream<Listening<C>>>,
    pulse: Option<Pulse>,
    /// The call that opened it, for errors.
    facts: Option<Box<Facts>>,
}

/// The size of the read buffer. The library zeroes the buffer before each read: with its default of 128 KiB, reading a
/// stream takes a third more CPU time.
const READ: usize = 16 << 10;

/// The library makes room for a whole frame when its size is announced: that must not be any size.
const LARGEST_FRAME: u64 = 64 << 20;

/// A received frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(Bytes),
    Binary(Bytes),
}

impl Socket {
    /// Starts the protocol on an upgraded connection.
    pub(crate) async fn open(connection: Upgraded) -> Self {
        let facts = Box::new(connection.facts().clone());
        let most = facts.limits().websocket_message;
        Self { facts: Some(facts), ..Self::up_to(most, connection).await }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Socket<C> {
    #[cfg(any(test, fuzzing))]
    pub(crate) async fn over(connection: C) -> Self {
        Self::up_to(LARGEST_FRAME, connection).await
    }

    /// With messages of at most `most` bytes.
    async fn up_to(most: u64, connection: C) -> Self {
        let size = |most| Some(usize::try_from(most).unwrap_or(usize::MAX));
        let config = WebSocketConfig::default().read_buffer_size(READ).max_message_size(size(most));
        let config = config.max_frame_size(size(most.min(LARGEST_FRAME)));
        let connection = Listening::to(connection);
        let stream = WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await;
        Self { stream: Mutex::new(stream), pulse: None, facts: None }
    }

    /// Detects a dead connection: sends a ping after a silence of `quiet`, and fails with [`ErrorKind::Timeout`] if
    /// nothing comes for another `limit`.
    ///
    /// Only time spent in [`next`](Self::next) counts, so a slow reader is safe. Use it only as long as the other side
    /// reads all the time, so that a ping is answered at once.
    pub(crate) fn watched(self, quiet: Duration, limit: Duration) -> Self {
        Self { pulse: Some(Pulse::new(quiet, limit)), ..self }
    }

    /// Ends [`watched`](Self::watched): the other side may be too busy to answer.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn watch_no_more(&self) {
        self.trust(Trust::Nothing);
    }

    /// The same, for a server that pings more often than `quiet` whatever it is busy with: if the last that came was a
    /// ping, the connection is dead when no other follows.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn watch_its_pings(&self) {
        self.trust(Trust::ItsPings);
    }

    /// Begins with [`watched`](Self::watched) again: the other side has nothing else to do any more.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn watch_again(&self) {
        self.trust(Trust::Answers);
    }

    fn trust(&self, trust: Trust) {
        if let Some(pulse) = &self.pulse {
            pulse.trust(trust);
        }
    }

    /// Waits until something has arrived; if nothing has yet, asks for it. To be used while [`next`](Self::next) reads.
    #[allow(dead_code)] // not every API needs it
    pub(crate) async fn heard(&self) -> Result<(), Error> {
        let Some(pulse) = &self.pulse else { return Ok(()) };
        if !pulse.has_heard() {
            self.send(Message::Ping(Bytes::new())).await?;
            pulse.heard().await;
        }
        Ok(())
    }

    /// The next frame. `None` once the other side has closed the connection properly. Pings are answered on the way.
    /// Cancel safe.
    pub(crate) async fn next(&self) -> Result<Option<Frame>, Error> {
        loop {
            let message = match &self.pulse {
                Some(pulse) => self.next_while_alive(pulse).await?,
                None => self.next_message(&mut None).await,
            };
            match message {
                None | Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Ok(Message::Text(text))) => return Ok(Some(Frame::Text(text.into()))),
                Some(Ok(Message::Binary(bytes))) => return Ok(Some(Frame::Binary(bytes))),
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(self.broken(e)),
            }
        }
    }

    async fn next_while_alive(&self, pulse: &Pulse) -> Result<Option<tungstenite::Result<Message>>, Error> {
        let mut ping = None;
        loop {
            let stopwatch = pulse.stopwatch();
            let heard = tokio::time::timeout(pulse.patience(), self.next_message(&mut ping)).await;
            drop(stopwatch);
            if let Ok(message) = heard {
                if let Some(Ok(message)) = &message {
                    pulse.hear(message);
                }
                return Ok(message);
            }
            match pulse.judge() {
                Verdict::Wait => {}
                Verdict::Ask => ping = Some(Message::Ping(Bytes::new())),
                Verdict::Dead => {
                    let e = Error::new(ErrorKind::Timeout, "the connection is dead: no answer to a ping");
                    return Err(self.labelled(e.with(|inner| inner.sent = Sent::Unknown)));
                }
            }
        }
    }

    /// Reads, and sends a ping once that is possible without delaying the reading.
    async fn next_message(&self, ping: &mut Option<Message>) -> Option<tungstenite::Result<Message>> {
        poll_fn(|context| {
            let mut stream = lock(&self.stream);
            if ping.is_some() {
                if stream.poll_ready_unpin(context).is_ready()
                    && let Some(ping) = ping.take()
                {
                    // The reading reports a failure, too.
                    let _ = stream.start_send_unpin(ping);
                }
                let _ = stream.poll_flush_unpin(context);
            }
            stream.poll_next_unpin(context)
        })
        .await
    }

    pub(crate) async fn send_binary(&self, bytes: Bytes) -> Result<(), Error> {
        self.send(Message::Binary(bytes)).await
    }

    pub(crate) async fn send_text(&self, text: &str) -> Result<(), Error> {
        self.send(Message::text(text)).await
    }

    /// Sends a close frame. The other side may still send.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.send(Message::Close(None)).await
    }

    async fn send(&self, message: Message) -> Result<(), Error> {
        let mut message = Some(message);
        let sent = poll_fn(|context| {
            let mut stream = lock(&self.stream);
            if let Some(waiting) = message.take() {
                match stream.poll_ready_unpin(context) {
                    Poll::Ready(ready) => ready.and_then(|()| stream.start_send_unpin(waiting))?,
                    Poll::Pending => {
                        message = Some(waiting);
                        return Poll::Pending;
                    }
                }
            }
            stream.poll_flush_unpin(context)
        });
        sent.await.map_err(|e| self.broken(e))?;
        match lock(&self.stream).get_ref().gone {
            Some(kind) => Err(self.broken(io::Error::from(kind).into())),
            None => Ok(()),
        }
    }
}

impl<C> Socket<C> {
    fn broken(&self, e: tungstenite::Error) -> Error {
        if let tungstenite::Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) = e {
            let message =
                format!("a websocket message has more than {max_size} bytes (Limits::websocket_message)");
            return self.labelled(Error::new(ErrorKind::BadReply, message).with(|e| e.sent = Sent::Yes));
        }
        self.labelled(Error::new(ErrorKind::Interrupted, format!("websocket: {e}")).with(|inner| {
            inner.sent = Sent::Unknown;
            inner.source = Some(e.into());
        }))
    }

    /// Adds the call to an error about this connection.
    pub(crate) fn labelled(&self, e: Error) -> Error {
        match &self.facts {
            Some(facts) => facts.about(e),
            None => e,
        }
    }
}

/// Nothing is left half-done if a thread panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::Context;

    use tokio::io::ReadBuf;
    use tokio::time::Instant;

    use super::*;

    /// Sends a ping and an empty text frame, then stops listening.
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

    #[tokio::test(start_paused = true)]
    async fn a_dead_connection_is_noticed_and_a_quiet_one_kept() {
        const QUIET: Duration = Duration::from_secs(30);
        const LIMIT: Duration = Duration::from_secs(10);
        for alive in [true, false] {
            let (ours, theirs) = tokio::io::duplex(1024);
            let server = async {
                let mut server = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
                if alive {
                    let text = tokio::time::sleep(Duration::from_secs(1000));
                    let answering = async { while server.next().await.is_some() {} };
                    tokio::select! { () = text => {}, () = answering => {} }
                    let _ = server.send(Message::text("late")).await;
                }
                tokio::time::sleep(Duration::from_secs(2000)).await;
            };
            let started = Instant::now();
            let client = async {
                let socket = Socket::over(ours).await.watched(QUIET, LIMIT);
                // Time outside of `next` isn't silence.
                tokio::time::sleep(QUIET * 3).await;
                // A cancelled read counts.
                let part = QUIET / 2;
                assert!(tokio::time::timeout(part, socket.next()).await.is_err());
                socket.next().await.map_err(|e| e.kind())
            };
            let heard = tokio::select! { heard = client => heard, () = server => unreachable!() };
            if alive {
                assert_eq!(heard, Ok(Some(Frame::Text(Bytes::from_static(b"late")))));
            } else {
                assert_eq!(heard, Err(ErrorKind::Timeout));
                let took = started.elapsed();
                assert!((QUIET * 4 + LIMIT..QUIET * 4 + LIMIT * 2).contains(&took), "{took:?}");
            }
        }
    }

    #[tokio::test]
    async fn it_reads_while_it_writes() {
        let (ours, theirs) = tokio::io::duplex(64);
        let socket = Socket::over(ours).await;
        let mut server = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        let flood = Bytes::from(vec![0; 10_000]);
        let theirs = async {
            // It reads nothing until all its own frames have been read.
            for _ in 0..10 {
                server.send(Message::Binary(flood.clone())).await?;
            }
            server.next().await.transpose()
        };
        let reading = async {
            for _ in 0..10 {
                assert!(matches!(socket.next().await, Ok(Some(Frame::Binary(_)))));
            }
        };
        let (sent, (), got) = tokio::join!(socket.send_binary(flood.clone()), reading, theirs);
        assert!(sent.is_ok() && matches!(got, Ok(Some(Message::Binary(_)))));
    }

    #[tokio::test]
    async fn what_has_arrived_is_read_although_the_answer_to_a_ping_fails() {
        assert_eq!(second_frame(Deaf(PING_THEN_EMPTY_TEXT)).await, None);
        assert_eq!(second_frame(Listening::to(Deaf(PING_THEN_EMPTY_TEXT))).await, Some(Message::text("")));
    }
}
