//! The websockets of commands and consoles: who may connect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::Notify;

use crate::testing::incus::common::secret;
use crate::testing::server::limited::WebSocket;
use crate::testing::server::tasks::lock;

/// The sockets of one command, from its request to its end.
#[derive(Debug)]
pub(crate) struct Session {
    /// The file descriptor that each secret opens, and whether it was opened.
    pub(crate) secrets: Mutex<BTreeMap<String, (&'static str, bool)>>,
    pub(crate) sockets: Mutex<BTreeMap<&'static str, WebSocket>>,
    pub(crate) arrived: Notify,
    pub(crate) needed: &'static [&'static str],
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
    pub(crate) fn new(interactive: bool) -> (Arc<Session>, Value) {
        let (all, needed): (&[&'static str], &'static [&'static str]) = match interactive {
            true => (&["0", "control"], &["0"]),
            false => (&["0", "1", "2", "control"], &["0", "1", "2"]),
        };
        let secrets: BTreeMap<_, _> = all.iter().map(|fd| (secret(), (*fd, false))).collect();
        let shown = secrets.iter().map(|(secret, (fd, _))| ((*fd).to_owned(), secret.clone().into()));
        let shown = Value::Object(shown.collect());
        let session = Session {
            secrets: Mutex::new(secrets),
            sockets: Mutex::default(),
            arrived: Notify::new(),
            needed,
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
        lock(&self.sockets).insert(fd, socket);
        self.arrived.notify_one();
    }

    pub(crate) async fn complete(&self) {
        let here = || {
            let sockets = lock(&self.sockets);
            self.needed.iter().all(|fd| sockets.contains_key(fd))
        };
        while !here() {
            self.arrived.notified().await;
        }
    }

    pub(crate) fn take(&self, fd: &str) -> Option<WebSocket> {
        lock(&self.sockets).remove(fd)
    }
}
