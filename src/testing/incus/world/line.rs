//! One websocket of a command or a console.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Mutex, oneshot};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::testing::server::limited::WebSocket;

/// How often the client is pinged.
const PING: Duration = Duration::from_secs(10);
/// How long a ping may take to leave. After one that can't, no other is sent.
const PING_LIMIT: Duration = Duration::from_secs(5);

/// What the client sends.
pub(crate) type Incoming = SplitStream<WebSocket>;

type Sink = Mutex<SplitSink<WebSocket, Message>>;

/// A connection, both ways.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) outgoing: Outgoing,
    pub(crate) incoming: Incoming,
}

/// What the client receives.
#[derive(Debug)]
pub(crate) struct Outgoing {
    sink: Arc<Sink>,
    /// Ends the pings when it is dropped.
    _open: oneshot::Sender<Infallible>,
}

/// Sends the pings of a connection, whatever else is read or written on it.
#[derive(Debug)]
pub(crate) struct Pings {
    sink: Weak<Sink>,
    closed: oneshot::Receiver<Infallible>,
}

impl Line {
    pub(crate) fn over(socket: WebSocket) -> (Line, Pings) {
        let (sink, incoming) = socket.split();
        let sink = Arc::new(Mutex::new(sink));
        let (open, closed) = oneshot::channel();
        let pings = Pings { sink: Arc::downgrade(&sink), closed };
        (Line { outgoing: Outgoing { sink, _open: open }, incoming }, pings)
    }
}

impl Outgoing {
    pub(crate) async fn send(&self, message: Message) -> Result<(), Error> {
        self.sink.lock().await.send(message).await
    }
}

impl Pings {
    /// The first at once, until the connection is dropped.
    pub(crate) async fn send(self) {
        let Self { sink, closed } = self;
        let sending = async {
            loop {
                let Some(sink) = sink.upgrade() else { return };
                let ping = async { sink.lock().await.send(Message::Ping("keepalive".into())).await };
                if !matches!(timeout(PING_LIMIT, ping).await, Ok(Ok(()))) {
                    return;
                }
                sleep(PING).await;
            }
        };
        tokio::select! {
            () = sending => {}
            _ = closed => {}
        }
    }
}
