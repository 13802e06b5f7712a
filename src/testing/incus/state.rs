//! Everything the fake server knows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::Generation;
use super::about_instance::About;
use super::backups::Backup;
use super::console::Console;
use super::envelope::{Failure, failure};
use super::events::{Events, now};
use super::exec::Sessions;
use super::files::Tree;
use super::images::Images;
use super::operations::{Operation, Operations};
use super::snapshots::Snapshot;
use super::trust::Trust;
use crate::testing::server::tasks::{Tasks, lock};
use crate::testing::shell::Addresses;

/// Project and name.
pub(super) type Key = (String, String);

/// Percentages as they are reached.
const STEPS: [u32; 5] = [4, 7, 10, 52, 100];
/// The one of which the listeners hear too late: the real server's events arrive out of order as well.
const LATE: u32 = 7;

#[derive(Debug)]
pub(super) struct Instance {
    /// What clients are shown.
    pub(super) document: Value,
    pub(super) files: Tree,
    pub(super) outputs: BTreeMap<String, Bytes>,
    pub(super) console: Arc<Console>,
    /// What commands inside gave to its interfaces.
    pub(super) addresses: Addresses,
    /// Oldest first.
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) backups: BTreeMap<String, Backup>,
    pub(super) about: About,
    pub(super) started_at: String,
    /// False ends whatever runs inside.
    pub(super) power: watch::Sender<bool>,
}

impl Instance {
    pub(super) fn new(document: Value) -> Instance {
        Instance {
            document,
            files: Tree::new(),
            outputs: BTreeMap::new(),
            console: Arc::default(),
            addresses: Addresses::default(),
            snapshots: Vec::new(),
            backups: BTreeMap::new(),
            about: About::default(),
            started_at: "0001-01-01T00:00:00Z".to_owned(),
            power: watch::Sender::new(false),
        }
    }

    pub(super) fn status(&self) -> &str {
        self.document["status"].as_str().unwrap_or_default()
    }

    /// Anything but stopped: frozen ones count, and states that a test made up.
    pub(super) fn is_up(&self) -> bool {
        self.status() != "Stopped"
    }

    pub(super) fn set_status(&mut self, word: &str, code: u16) {
        self.document["status"] = word.into();
        self.document["status_code"] = code.into();
        self.power.send_replace(word != "Stopped");
    }

    /// Whatever the document says afterwards holds, also for commands inside.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        edit(&mut self.document);
        self.power.send_replace(self.is_up());
    }

    pub(super) fn boot(&mut self) {
        self.console.renew();
        self.set_status("Running", 103);
        self.started_at = now();
        self.document["last_used_at"] = now().into();
        super::documents::booted(&mut self.document);
    }

    /// A running one whose guest has said that it is ready is shown so.
    pub(super) fn show_ready(&mut self) -> bool {
        let said = self.document["config"]["volatile.last_state.ready"] == "true";
        let ready = said && matches!(self.status(), "Running" | "Ready");
        if ready {
            self.set_status("Ready", 113);
        }
        ready
    }

    pub(super) fn halt(&mut self) {
        self.set_status("Stopped", 102);
        lock(&self.addresses).clear();
        super::documents::halted(&mut self.document);
    }
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) generation: Generation,
    /// Of its certificate while it has no door with TLS.
    pub(super) fingerprint: String,
    pub(super) instances: Mutex<BTreeMap<Key, Instance>>,
    pub(super) images: Mutex<Images>,
    /// The members of the cluster, this server first; none: it stands alone.
    pub(super) members: Mutex<Vec<String>>,
    pub(super) operations: Operations,
    pub(super) sessions: Sessions,
    pub(super) events: Events,
    pub(super) trust: Trust,
    pub(super) work: Tasks,
    /// How long an operation takes.
    pub(super) pace: Mutex<Duration>,
    /// How many `Hold`s are alive.
    pub(super) held: watch::Sender<usize>,
}

impl World {
    pub(super) fn new(generation: Generation) -> Arc<World> {
        Arc::new(World {
            generation,
            fingerprint: super::secret(),
            instances: Mutex::default(),
            images: Mutex::default(),
            members: Mutex::default(),
            operations: Operations::default(),
            sessions: Sessions::default(),
            events: Events::default(),
            trust: Trust::default(),
            work: Tasks::default(),
            pace: Mutex::new(Duration::from_millis(20)),
            held: watch::Sender::new(0),
        })
    }

    /// Looks at or changes one instance.
    pub(super) fn with<T>(&self, key: &Key, act: impl FnOnce(&mut Instance) -> T) -> Result<T, Failure> {
        lock(&self.instances).get_mut(key).map(act).ok_or_else(|| missing(key))
    }

    pub(super) fn document(&self, key: &Key) -> Result<Value, Failure> {
        self.with(key, |instance| instance.document.clone())
    }

    pub(super) fn exists(&self, key: &Key) -> bool {
        lock(&self.instances).contains_key(key)
    }

    /// Takes the time that an operation takes; `None` when `limit` is shorter.
    pub(super) async fn take_time(&self, limit: Option<Duration>) -> Option<()> {
        let pace = *lock(&self.pace);
        if let Some(limit) = limit.filter(|limit| *limit < pace) {
            sleep(limit).await;
            return None;
        }
        sleep(pace).await;
        self.released().await;
        Some(())
    }

    /// The same, in steps that clients can watch.
    pub(super) async fn unpack(&self, operation: &Operation) {
        let steps = u32::try_from(STEPS.len()).unwrap_or(1);
        let pace = *lock(&self.pace) / steps;
        let mut late = None;
        for percent in STEPS {
            sleep(pace).await;
            if percent == LATE {
                let mut document = operation.document();
                document["metadata"] = progress(percent);
                late = Some(document);
                continue;
            }
            self.change(operation, |doc| doc["metadata"] = progress(percent));
            if let Some(document) = late.take() {
                self.announce_late(operation, &document);
            }
        }
        self.released().await;
    }

    /// The guest says that it is ready.
    pub(super) fn say_ready(&self, key: &Key) -> bool {
        let said = self.with(key, |instance| {
            instance.document["config"]["volatile.last_state.ready"] = "true".into();
            instance.show_ready()
        });
        let said = said.unwrap_or(false);
        if said {
            self.tell("instance-ready", key, &Value::Null);
        }
        said
    }

    async fn released(&self) {
        // The sender lives as long as `self`.
        let _ = self.held.subscribe().wait_for(|held| *held == 0).await;
    }
}

/// Strings where one expects numbers, as on the real server.
fn progress(percent: u32) -> Value {
    json!({
        "create_instance_from_image_unpack_progress":
            format!("Unpacking image: {percent}% (46.59MB/s)"),
        "progress": {
            "percent": percent.to_string(), "speed": "46591387",
            "stage": "create_instance_from_image_unpack",
        },
    })
}

pub(super) fn missing((project, name): &Key) -> Failure {
    let text = format!("Failed to fetch instance \"{name}\" in project \"{project}\": Instance not found");
    failure(404, text)
}
