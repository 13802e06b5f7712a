//! `GET /1.0/events`: who listens, and what they are told.

use std::sync::Mutex;

use chrono::{SecondsFormat, Utc};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, interval_at};
use tokio_tungstenite::tungstenite::Message;

use super::World;
use super::envelope::{Answer, failure};
use crate::testing::server::limited::WebSocket;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

const KINDS: [&str; 3] = ["logging", "operation", "lifecycle"];
const PING: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Listener {
    kinds: Vec<String>,
    /// Nothing: all of them.
    project: Option<String>,
    orders: mpsc::UnboundedSender<Order>,
}

/// What a listener's connection is to do.
#[derive(Debug)]
enum Order {
    Send(String),
    /// Say nothing any more, not even a ping.
    Hang,
}

impl Listener {
    fn wants(&self, kind: &str, project: &str) -> bool {
        // What belongs to no project is told to everybody.
        let here = project.is_empty() || self.project.as_deref().is_none_or(|mine| mine == project);
        here && self.kinds.iter().any(|k| k == kind)
    }
}

#[derive(Debug, Default)]
pub(super) struct Events(Mutex<Vec<Listener>>);

pub(super) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Nanos, true)
}

impl Events {
    pub(super) fn send(&self, kind: &str, project: &str, metadata: &Value) {
        let mut frame = json!({"type": kind, "timestamp": now(), "metadata": metadata, "location": "none"});
        if !project.is_empty() {
            frame["project"] = project.into();
        }
        let frame = format!("{frame}\n");
        lock(&self.0).retain(|listener| {
            !listener.wants(kind, project) || listener.orders.send(Order::Send(frame.clone())).is_ok()
        });
    }

    /// An entry of the log; it belongs to no project.
    pub(super) fn log(&self, level: &str, message: &str, context: &Value) {
        self.send("logging", "", &json!({"message": message, "level": level, "context": context}));
    }

    /// `instance-created` and its kin.
    pub(super) fn lifecycle(&self, action: &str, source: &str, project: &str, context: &Value) {
        let mut metadata = json!({"action": action, "source": source, "project": project,
            "name": source.rsplit('/').next(),
            "requestor": {"username": "root", "protocol": "unix", "address": "@"}});
        if !context.is_null() {
            metadata["context"] = context.clone();
        }
        self.send("lifecycle", project, &metadata);
    }

    /// Cuts every listener's connection.
    pub(super) fn cut(&self) {
        lock(&self.0).clear();
    }

    /// Silences every listener's connection without closing it.
    pub(super) fn hang(&self) {
        for listener in lock(&self.0).drain(..) {
            // One that has just gone needs no silence.
            let _ = listener.orders.send(Order::Hang);
        }
    }

    pub(super) fn listeners(&self) -> usize {
        lock(&self.0).iter().filter(|listener| !listener.orders.is_closed()).count()
    }

    fn listen(&self, kinds: Vec<String>, project: Option<String>) -> mpsc::UnboundedReceiver<Order> {
        let (orders, received) = mpsc::unbounded_channel();
        lock(&self.0).push(Listener { kinds, project, orders });
        received
    }
}

pub(super) fn subscribe(world: &World, request: &Request) -> Answer {
    let kinds = kinds(request);
    if let Some(odd) = kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(failure(400, format!("\"{odd}\" isn't a supported event type")));
    }
    let project = super::project_filter(request)?;
    let orders = world.events.listen(kinds, project);
    Ok(Reply::socket(|socket| relay(socket, orders)))
}

fn kinds(request: &Request) -> Vec<String> {
    match request.param("type").filter(|given| !given.is_empty()) {
        Some(given) => given.split(',').map(str::to_owned).collect(),
        None => KINDS.map(str::to_owned).to_vec(),
    }
}

/// Until the client leaves, or the test cuts it off: then without a farewell.
async fn relay(mut socket: WebSocket, mut orders: mpsc::UnboundedReceiver<Order>) {
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

/// Until the client leaves. Below the websocket, which would answer pings.
async fn hang(mut socket: WebSocket) {
    let _ = tokio::io::copy(socket.get_mut(), &mut tokio::io::sink()).await;
}
