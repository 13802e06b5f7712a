//! The websockets of commands and consoles: who may connect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::Notify;

use super::line::Line;
use crate::testing::incus::common::secret;
use crate::testing::server::limited::WebSocket;
use crate::testing::server::tasks::lock;

/// The sockets of one command, from its request to its end.
#[derive(Debug)]
pub(crate) struct Session {
    /// The file descriptor that each secret opens, and whether it was opened.
    pub(crate) secrets: Mutex<BTreeMap<String, (&'static str, bool)>>,
    pub(crate) lines: Mutex<BTreeMap<&'static str, Line>>,
    pub(crate) arrived: Notify,
    pub(crate) needed: &'static [&'static str],
    /// Whether the client is pinged: that of a command is, that of a console isn't.
    pub(crate) pings: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions(pub(crate) Mutex<BTreeMap<String, Arc<Session>>>);

impl Sessions {
    pub(crate) fn open(&self, id: &str, session: &Arc<Session>) {
        lock(&self.0).insert(id.to_owned(), session.clone());
    }

    pub(crate) fn close(&self, id: &str) {
        lock(&self.0).remove(id);
    }

    pub(crate) fn forget_all(&self) {
        lock(&self.0).clear();
    }
}

impl Session {
    pub(crate) fn of_command(interactive: bool) -> (Arc<Session>, Value) {
        Self::new(interactive, true)
    }

    pub(crate) fn of_console() -> (Arc<Session>, Value) {
        Self::new(true, false)
    }

    fn new(interactive: bool, pings: bool) -> (Arc<Session>, Value) {
        let (all, needed): (&[&'static str], &'static [&'static str]) = match interactive {
            true => (&["0", "control"], &["0"]),
            false => (&["0", "1", "2", "control"], &["0", "1", "2"]),
        };
        let secrets: BTreeMap<_, _> = all.iter().map(|fd| (secret(), (*fd, false))).collect();
        let shown = secrets.iter().map(|(secret, (fd, _))| ((*fd).to_owned(), secret.clone().into()));
        let shown = Value::Object(shown.collect());
        let session = Session {
            secrets: Mutex::new(secrets),
            lines: Mutex::default(),
            arrived: Notify::new(),
            needed,
            pings,
        };
        (Arc::new(session), shown)
    }

    /// The file descriptor of a secret, and whether it was opened before.
    pub(crate) fn admit(&self, secret: &str) -> Option<(&'static str, bool)> {
        let mut secrets = lock(&self.secrets);
        let (fd, is_open) = secrets.get_mut(secret)?;
        Some((*fd, std::mem::replace(is_open, true)))
    }

    /// The first connection counts. A later one is accepted, too, but nothing comes of it.
    pub(crate) async fn seat(self: Arc<Self>, fd: &'static str, is_late: bool, mut socket: WebSocket) {
        if is_late {
            return while let Some(Ok(_)) = socket.next().await {};
        }
        let (line, keeper) = Line::over(socket);
        lock(&self.lines).insert(fd, line);
        self.arrived.notify_one();
        let is_pinged = self.pings;
        // The end of the command drops its connections.
        drop(self);
        keeper.keep(is_pinged).await;
    }

    pub(crate) async fn complete(&self) {
        let here = || {
            let lines = lock(&self.lines);
            self.needed.iter().all(|fd| lines.contains_key(fd))
        };
        while !here() {
            self.arrived.notified().await;
        }
    }

    pub(crate) fn take(&self, fd: &str) -> Option<Line> {
        lock(&self.lines).remove(fd)
    }
}
