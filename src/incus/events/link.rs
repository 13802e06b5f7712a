//! A connection to the server's events that reconnects when it breaks.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Sent};
use crate::incus::Incus;
use crate::stream::websocket::{Frame, Socket};
use crate::transport::retry::Retry;

/// Which events to connect to.
#[derive(Debug, Clone)]
pub(in crate::incus) struct Wanted {
    /// Comma-separated; empty for all types.
    pub(in crate::incus) types: String,
    pub(in crate::incus) all_projects: bool,
}

/// One connection after the other.
pub(in crate::incus) struct Link {
    incus: Incus,
    wanted: Wanted,
    socket: Option<Socket>,
    /// Before the next attempt to connect.
    pause: Duration,
    since: Instant,
}

/// What a link has to tell.
#[derive(Debug)]
pub(in crate::incus) enum News {
    /// The connection stands; what happened before was missed.
    Up,
    Frame(Bytes),
    /// The connection broke, or could not be made this time.
    Down,
}

impl Link {
    /// The server sends a ping every ten seconds: after two that didn't come it is asked, and given up ten seconds
    /// later.
    const QUIET: Duration = Duration::from_secs(20);
    const ANSWER: Duration = Duration::from_secs(10);
    /// How long the server may take to accept the connection.
    const CONNECT: Duration = Duration::from_secs(10);
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(15);

    pub(in crate::incus) fn new(incus: &Incus, wanted: Wanted) -> Self {
        // It reconnects by itself, which must not use up the retry budget of other calls.
        let incus = incus.with(Retry::never());
        Self { incus, wanted, socket: None, pause: Duration::ZERO, since: Instant::now() }
    }

    /// One attempt to connect.
    pub(in crate::incus) async fn connect(&mut self) -> Result<(), Error> {
        let Ok(opened) = tokio::time::timeout(Self::CONNECT, open(&self.incus, &self.wanted)).await else {
            let e = Error::new(ErrorKind::Timeout, "the server doesn't answer");
            return Err(self.incus.label("events", "").on(e.with(|e| e.sent = Sent::Unknown)));
        };
        self.socket = Some(opened?.watched(Self::QUIET, Self::ANSWER));
        self.since = Instant::now();
        Ok(())
    }

    /// The next news; an error is final: the server refuses, and will go on to.
    ///
    /// Can be given up and called again without losing anything.
    pub(in crate::incus) async fn next(&mut self) -> Result<News, Error> {
        let Some(socket) = &mut self.socket else {
            return self.reconnect().await;
        };
        match socket.next().await {
            Ok(Some(Frame::Text(frame) | Frame::Binary(frame))) => return Ok(News::Frame(frame)),
            Ok(None) => tracing::debug!("the server closed the events connection"),
            Err(e) => tracing::debug!(error = %e, "the events connection broke"),
        }
        self.socket = None;
        // A server that accepts connections and closes them must not be flooded.
        if self.since.elapsed() > Self::LONGEST {
            self.pause = Duration::ZERO;
        }
        self.back_off();
        Ok(News::Down)
    }

    async fn reconnect(&mut self) -> Result<News, Error> {
        // Many clients lose a server at the same moment: spread their attempts.
        tokio::time::sleep(self.pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
        match self.connect().await {
            Ok(()) => Ok(News::Up),
            Err(e) if e.kind().may_pass() => {
                tracing::debug!(error = %e, "no events connection");
                self.back_off();
                Ok(News::Down)
            }
            Err(e) => Err(e),
        }
    }

    fn back_off(&mut self) {
        self.pause = (self.pause * 2).clamp(Self::FIRST, Self::LONGEST);
    }
}

async fn open(incus: &Incus, wanted: &Wanted) -> Result<Socket, Error> {
    let events = incus.raw().events();
    let events = match wanted.types.as_str() {
        "" => events,
        types => events.type_(types),
    };
    let events = if wanted.all_projects { events.all_projects(true) } else { events };
    Ok(Socket::open(events.send().await?).await)
}
