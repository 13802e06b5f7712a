//! Everything that the server knows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;

use super::events::Events;
use super::images::Images;
use super::instance::{Instance, Key, missing};
use super::operations::Operations;
use super::profiles::Profiles;
use super::remote_images::RemoteImages;
use super::sessions::Sessions;
use super::trust::Trust;
use crate::testing::incus::common::secret;
use crate::testing::incus::envelope::Failure;
use crate::testing::incus::generation::Generation;
use crate::testing::server::tasks::{Tasks, lock};
use crate::testing::shell::Commands;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) generation: Generation,
    /// The fingerprint of its certificate while it has no port with TLS.
    pub(crate) fingerprint: String,
    pub(crate) instances: Mutex<BTreeMap<Key, Instance>>,
    pub(crate) images: Mutex<Images>,
    /// What other servers have.
    pub(crate) remote_images: Mutex<RemoteImages>,
    /// The projects beside the default one.
    pub(crate) projects: Mutex<BTreeMap<String, Value>>,
    pub(crate) profiles: Mutex<Profiles>,
    /// By name.
    pub(crate) networks: Mutex<BTreeMap<String, Value>>,
    /// The members of the cluster, this server first. Empty if there is no cluster.
    pub(crate) members: Mutex<Vec<String>>,
    pub(crate) operations: Operations,
    pub(crate) sessions: Sessions,
    pub(crate) commands: Commands,
    pub(crate) events: Events,
    pub(crate) trust: Trust,
    pub(crate) work: Tasks,
    /// How long an operation takes.
    pub(crate) pace: Mutex<Duration>,
    /// How many `Hold`s are alive.
    pub(crate) held: watch::Sender<usize>,
}

impl World {
    pub(crate) fn new(generation: Generation) -> Arc<World> {
        Arc::new(World {
            generation,
            fingerprint: secret(),
            instances: Mutex::default(),
            images: Mutex::default(),
            remote_images: Mutex::default(),
            projects: Mutex::default(),
            profiles: Mutex::default(),
            networks: Mutex::default(),
            members: Mutex::default(),
            operations: Operations::default(),
            sessions: Sessions::default(),
            commands: Commands::default(),
            events: Events::default(),
            trust: Trust::default(),
            work: Tasks::default(),
            pace: Mutex::new(Duration::from_millis(20)),
            held: watch::Sender::new(0),
        })
    }

    /// Reads or changes one instance.
    pub(crate) fn with<T>(&self, key: &Key, act: impl FnOnce(&mut Instance) -> T) -> Result<T, Failure> {
        lock(&self.instances).get_mut(key).map(act).ok_or_else(|| missing(key))
    }

    pub(crate) fn document(&self, key: &Key) -> Result<Value, Failure> {
        self.with(key, |instance| instance.document.clone())
    }

    pub(crate) fn exists(&self, key: &Key) -> bool {
        lock(&self.instances).contains_key(key)
    }

    /// Waits as long as an operation takes. `None` if `limit` is shorter.
    pub(crate) async fn take_time(&self, limit: Option<Duration>) -> Option<()> {
        let pace = *lock(&self.pace);
        if let Some(limit) = limit.filter(|limit| *limit < pace) {
            sleep(limit).await;
            return None;
        }
        sleep(pace).await;
        self.released().await;
        Some(())
    }

    pub(crate) async fn released(&self) {
        // The sender lives as long as `self`.
        let _ = self.held.subscribe().wait_for(|held| *held == 0).await;
    }
}
