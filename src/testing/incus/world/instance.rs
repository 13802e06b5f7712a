//! An instance.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::about_instance::About;
use super::backup::Backup;
use super::console::Console;
use super::documents;
use super::events::now;
use super::snapshot::Snapshot;
use super::tree::Tree;
use crate::testing::incus::envelope::{Failure, failure};
use crate::testing::server::tasks::lock;
use crate::testing::shell::Addresses;

/// Project and name.
pub(crate) type Key = (String, String);

#[derive(Debug)]
pub(crate) struct Instance {
    /// The document that clients get.
    pub(crate) document: Value,
    /// Its profiles as they were last applied, in their order.
    pub(crate) profiles: Vec<Value>,
    pub(crate) files: Tree,
    pub(crate) outputs: BTreeMap<String, Bytes>,
    pub(crate) console: Arc<Console>,
    /// The addresses that commands inside have set.
    pub(crate) addresses: Addresses,
    /// Oldest first.
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) backups: BTreeMap<String, Backup>,
    pub(crate) about: About,
    pub(crate) started_at: String,
    /// False ends everything that runs inside.
    pub(crate) power: watch::Sender<bool>,
}

impl Instance {
    pub(crate) fn new(document: Value) -> Instance {
        Instance {
            document,
            profiles: Vec::new(),
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

    pub(crate) fn status(&self) -> &str {
        self.document["status"].as_str().unwrap_or_default()
    }

    /// Whether it isn't stopped. Frozen counts as up, and so do states that a test invented.
    pub(crate) fn is_up(&self) -> bool {
        self.status() != "Stopped"
    }

    pub(crate) fn set_status(&mut self, word: &str, code: u16) {
        self.document["status"] = word.into();
        self.document["status_code"] = code.into();
        self.power.send_replace(word != "Stopped");
    }

    /// Edits the document. A changed status also applies to commands inside.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        edit(&mut self.document);
        self.power.send_replace(self.is_up());
    }

    /// Writes the configuration and the devices with those of its profiles.
    pub(crate) fn expand(&mut self) {
        documents::expand(&mut self.document, &self.profiles);
    }

    pub(crate) fn boot(&mut self) {
        self.console.renew();
        self.set_status("Running", 103);
        self.started_at = now();
        self.document["last_used_at"] = now().into();
        documents::booted(&mut self.document);
        self.expand();
    }

    /// Shows a running instance as ready if its guest has said so.
    pub(crate) fn show_ready(&mut self) -> bool {
        let said = self.document["config"]["volatile.last_state.ready"] == "true";
        let ready = said && matches!(self.status(), "Running" | "Ready");
        if ready {
            self.set_status("Ready", 113);
        }
        ready
    }

    pub(crate) fn halt(&mut self) {
        self.set_status("Stopped", 102);
        lock(&self.addresses).clear();
        documents::halted(&mut self.document);
        self.expand();
    }
}

pub(crate) fn missing((project, name): &Key) -> Failure {
    let text = format!("Failed to fetch instance \"{name}\" in project \"{project}\": Instance not found");
    failure(404, text)
}
