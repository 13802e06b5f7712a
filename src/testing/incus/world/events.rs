//! Events, and the clients that listen to them.

use std::sync::Mutex;

use chrono::{SecondsFormat, Utc};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, interval_at};
use tokio_tungstenite::tungstenite::Message;

use crate::testing::server::limited::WebSocket;
use crate::testing::server::tasks::lock;

const PING: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Listener {
    pub(crate) kinds: Vec<String>,
    /// `None` is all of them.
    pub(crate) project: Option<String>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
}

/// What a listener's connection does next.
#[derive(Debug)]
pub(crate) enum Order {
    Send(String),
    /// Sends nothing any more, not even a ping.
    Hang,
}

impl Listener {
    pub(crate) fn wants(&self, kind: &str, project: &str) -> bool {
        // What belongs to no project goes to all listeners.
        let here = project.is_empty() || self.project.as_deref().is_none_or(|mine| mine == project);
        here && self.kinds.iter().any(|k| k == kind)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<Vec<Listener>>);

pub(crate) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Nanos, true)
}

impl Events {
    pub(crate) fn send(&self, kind: &str, project: &str, metadata: &Value) {
        let mut frame = json!({"type": kind, "timestamp": now(), "metadata": metadata, "location": "none"});
        if !project.is_empty() {
            frame["project"] = project.into();
        }
        let frame = format!("{frame}\n");
        lock(&self.0).retain(|listener| {
            !listener.wants(kind, project) || listener.orders.send(Order::Send(frame.clone())).is_ok()
        });
    }

    /// Sends an entry of the log, which belongs to no project.
    pub(crate) fn log(&self, level: &str, message: &str, context: &Value) {
        self.send("logging", "", &json!({"message": message, "level": level, "context": context}));
    }

    /// Sends an event such as `instance-created`.
    pub(crate) fn lifecycle(&self, action: &str, source: &str, project: &str, context: &Value) {
        let mut metadata = json!({"action": action, "source": source, "project": project,
            "name": source.rsplit('/').next(),
            "requestor": {"username": "root", "protocol": "unix", "address": "@"}});
        if !context.is_null() {
            metadata["context"] = context.clone();
        }
        self.send("lifecycle", project, &metadata);
    }

    /// Cuts every listener's connection.
    pub(crate) fn cut(&self) {
        lock(&self.0).clear();
    }

    /// Silences every listener's connection without closing it.
    pub(crate) fn hang(&self) {
        for listener in lock(&self.0).drain(..) {
            // A listener may have just gone.
            let _ = listener.orders.send(Order::Hang);
        }
    }

    pub(crate) fn listeners(&self) -> usize {
        lock(&self.0).iter().filter(|listener| !listener.orders.is_closed()).count()
    }

    pub(crate) fn listen(
        &self,
        kinds: Vec<String>,
        project: Option<String>,
    ) -> mpsc::UnboundedReceiver<Order> {
        let (orders, received) = mpsc::unbounded_channel();
        lock(&self.0).push(Listener { kinds, project, orders });
        received
    }
}

/// Sends until the client leaves, or until a test cuts the connection, without a Close frame.
pub(crate) async fn relay(mut socket: WebSocket, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut ping = interval_at(Instant::now() + PING, PING);
    loop {
        let sent = tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(frame)) => socket.send(Message::text(frame)).await,
                Some(Order::Hang) => return hang(socket).await,
                None => return,
            },
            _ = ping.tick() => socket.send(Message::Ping(Vec::new().into())).await,
            heard = socket.next() => match heard {
                Some(Ok(message)) if !message.is_close() => Ok(()),
                _ => return,
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Reads until the client leaves. Not as a websocket, which would answer pings.
async fn hang(mut socket: WebSocket) {
    let _ = tokio::io::copy(socket.get_mut(), &mut tokio::io::sink()).await;
}
