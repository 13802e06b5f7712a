//! One websocket of a command or a console.

use std::future::pending;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, oneshot};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::testing::server::limited::WebSocket;

/// How often the client is pinged.
const PING: Duration = Duration::from_secs(10);
/// How long a ping may take to leave. After one that can't, no other is sent.
const PING_LIMIT: Duration = Duration::from_secs(5);

/// How long the client may take to notice the end.
const FAREWELL: Duration = Duration::from_secs(1);

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
    /// Ends the pings, also when it is dropped.
    end: oneshot::Sender<Rest>,
}

/// Both halves, once the end was sent.
type Rest = (Arc<Sink>, Incoming);

/// Keeps a connection while others use it: sends the pings, whatever else is read or written, and closes it.
#[derive(Debug)]
pub(crate) struct Keeper {
    sink: Weak<Sink>,
    end: oneshot::Receiver<Rest>,
}

impl Line {
    pub(crate) fn over(socket: WebSocket) -> (Line, Keeper) {
        let (sink, incoming) = socket.split();
        let sink = Arc::new(Mutex::new(sink));
        let (end, ended) = oneshot::channel();
        let keeper = Keeper { sink: Arc::downgrade(&sink), end: ended };
        (Line { outgoing: Outgoing { sink, end }, incoming }, keeper)
    }

    /// Ends what the client reads: by an empty text, without a Close frame.
    pub(crate) async fn end(self) {
        let Self { outgoing: Outgoing { sink, end }, incoming } = self;
        let _ = sink.lock().await.send(Message::text("")).await;
        let _ = end.send((sink, incoming));
    }
}

impl Outgoing {
    pub(crate) async fn send(&self, message: Message) -> Result<(), Error> {
        self.sink.lock().await.send(message).await
    }
}

impl Keeper {
    /// Until the connection has ended.
    pub(crate) async fn keep(self, is_pinged: bool) {
        let Self { sink, end } = self;
        let pings = async {
            if is_pinged {
                ping(&sink).await;
            }
            pending().await
        };
        let ended = tokio::select! {
            ended = end => ended,
            never = pings => never,
        };
        if let Ok((sink, incoming)) = ended {
            close(sink, incoming).await;
        }
    }
}

/// The first at once, until the connection is dropped or takes none.
async fn ping(sink: &Weak<Sink>) {
    while let Some(sink) = sink.upgrade() {
        let ping = async { sink.lock().await.send(Message::Ping("keepalive".into())).await };
        if !matches!(timeout(PING_LIMIT, ping).await, Ok(Ok(()))) {
            return;
        }
        drop(sink);
        sleep(PING).await;
    }
}

/// Writes no more, and reads until the client has closed its side: a connection that is dropped while something is
/// unread, like the answer to a ping, is reset, and the client may lose what it hasn't read yet.
async fn close(sink: Arc<Sink>, incoming: Incoming) {
    let Some(sink) = Arc::into_inner(sink) else { return };
    let Ok(mut socket) = sink.into_inner().reunite(incoming) else { return };
    let (stream, mut unread) = (socket.get_mut(), [0; 1_024]);
    let closed = async {
        stream.shutdown().await?;
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(FAREWELL, closed).await;
}
