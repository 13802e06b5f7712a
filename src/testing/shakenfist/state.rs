//! Everything that the server knows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::answer::{Failure, failure, not_found, only_one};
use super::release::Release;
use crate::testing::server::tasks::{Tasks, lock};
use crate::testing::shell::{Commands, Files};

pub(super) struct World {
    pub(super) release: Release,
    data: Mutex<Data>,
    pub(super) work: Tasks,
    pub(super) commands: Commands,
    /// How many holds on instances there are.
    pub(super) held: watch::Sender<usize>,
    /// How many holds on agents there are.
    pub(super) agents_held: watch::Sender<usize>,
}

#[derive(Default)]
pub(super) struct Data {
    pub(super) namespaces: BTreeMap<String, Namespace>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) networks: BTreeMap<String, Network>,
    pub(super) interfaces: BTreeMap<String, Value>,
    pub(super) artifacts: BTreeMap<String, Value>,
    pub(super) blobs: BTreeMap<String, Blob>,
    pub(super) uploads: BTreeMap<String, Vec<u8>>,
    pub(super) operations: BTreeMap<String, Value>,
    pub(super) knobs: Knobs,
}

/// What a test can set.
pub(super) struct Knobs {
    pub(super) pace: Duration,
    pub(super) token_life: Duration,
    /// How many of the next launches find no room, and whether the answer says that this is transient.
    pub(super) full: (usize, bool),
    /// New instances fail in this state, with this message.
    pub(super) failing: Option<(String, String)>,
    /// The status of answers to requests that start something.
    pub(super) accepted: u16,
    /// What agents report when they are ready.
    pub(super) agent_ready: String,
    /// Whether guests ignore ACPI.
    pub(super) deaf: bool,
    /// How many of the next lists miss instances that are changing their state.
    pub(super) blind_lists: usize,
    /// How many floating addresses there are.
    pub(super) floating: usize,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            pace: Duration::from_millis(20),
            token_life: Duration::from_secs(900),
            full: (0, false),
            failing: None,
            accepted: 200,
            agent_ready: "ready".to_owned(),
            deaf: false,
            blind_lists: 0,
            floating: 250,
        }
    }
}

pub(super) struct Namespace {
    pub(super) key: String,
    /// It is part of tokens: a new key makes the old ones invalid.
    pub(super) nonce: u64,
}

pub(super) struct Token {
    pub(super) namespace: String,
    pub(super) nonce: u64,
    pub(super) ends: Instant,
}

pub(super) struct Instance {
    pub(super) document: Value,
    pub(super) events: Vec<Value>,
    pub(super) console: Vec<u8>,
    pub(super) files: Tree,
    pub(super) boots: u32,
}

pub(super) struct Network {
    pub(super) document: Value,
    pub(super) reserved: BTreeMap<String, Reservation>,
}

pub(super) struct Reservation {
    pub(super) kind: &'static str,
    /// Seconds since 1970.
    pub(super) when: f64,
}

#[derive(Clone)]
pub(super) struct Blob {
    pub(super) document: Value,
    pub(super) bytes: Bytes,
}

/// The kind of a reservation that stays after its instance is deleted.
pub(super) const HALO: &str = "deletion-halo";

/// The files of one guest.
#[derive(Clone, Default)]
pub(super) struct Tree(pub(super) Arc<Mutex<BTreeMap<String, File>>>);

/// Content and permissions.
type File = (Vec<u8>, i64);

impl Files for Tree {
    /// Directories are where files are.
    fn is_directory(&self, path: &str) -> bool {
        let below = format!("{}/", path.trim_end_matches('/'));
        lock(&self.0).keys().any(|file| file.starts_with(&below))
    }

    fn is_executable(&self, path: &str) -> bool {
        lock(&self.0).get(path).is_some_and(|(_, mode)| mode & 0o111 != 0)
    }

    fn read(&self, path: &str) -> Option<Bytes> {
        lock(&self.0).get(path).map(|(data, _)| Bytes::copy_from_slice(data))
    }

    fn write(&self, path: &str, data: &[u8], append: bool) -> bool {
        let mut files = lock(&self.0);
        let file = files.entry(path.to_owned()).or_insert_with(|| (Vec::new(), 0o644));
        if !append {
            file.0.clear();
        }
        file.0.extend_from_slice(data);
        true
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("release", &self.release).finish_non_exhaustive()
    }
}

impl World {
    pub(super) fn new(release: Release) -> Arc<Self> {
        let mut data = Data::default();
        for (name, key) in [("system", "secret"), ("demo", "demokey"), ("other", "otherkey")] {
            data.namespaces.insert(name.to_owned(), Namespace { key: key.to_owned(), nonce: rand::random() });
        }
        Arc::new(Self {
            release,
            data: Mutex::new(data),
            work: Tasks::default(),
            commands: Commands::default(),
            held: watch::Sender::new(0),
            agents_held: watch::Sender::new(0),
        })
    }

    pub(super) fn data(&self) -> MutexGuard<'_, Data> {
        lock(&self.data)
    }

    /// Waits as long as one step of background work takes.
    pub(super) async fn step(&self) {
        let pace = self.data().knobs.pace;
        sleep(pace).await;
    }

    /// Waits while there is a hold on instances.
    pub(super) async fn while_held(&self) {
        let _ = self.held.subscribe().wait_for(|held| *held == 0).await;
    }

    pub(super) async fn while_agents_held(&self) {
        let _ = self.agents_held.subscribe().wait_for(|held| *held == 0).await;
    }
}

impl Data {
    /// An instance by its UUID or name, if the namespace may see it.
    pub(super) fn find(&self, reference: &str, namespace: &str) -> Result<String, Failure> {
        if let Some(instance) = self.instances.get(reference) {
            return match is_visible(&instance.document, namespace) {
                true => Ok(reference.to_owned()),
                false => Err(not_found("instance")),
            };
        }
        let named = |document: &Value| {
            document["name"] == reference && document["state"] != "deleted" && is_visible(document, namespace)
        };
        let found = self.instances.iter().filter(|(_, instance)| named(&instance.document));
        only_one(found.map(|(uuid, _)| uuid), "instance", reference, namespace)?
            .ok_or_else(|| not_found("instance"))
    }

    pub(super) fn instance(&mut self, uuid: &str) -> Result<&mut Instance, Failure> {
        self.instances.get_mut(uuid).ok_or_else(|| not_found("instance"))
    }

    /// The document as `GET` shows it.
    pub(super) fn view(&self, uuid: &str) -> Value {
        let Some(instance) = self.instances.get(uuid) else { return Value::Null };
        let mut document = instance.document.clone();
        document["interfaces"] = self.interfaces_of(uuid);
        document
    }

    pub(super) fn interfaces_of(&self, uuid: &str) -> Value {
        let mut own: Vec<&Value> =
            self.interfaces.values().filter(|interface| interface["instance_uuid"] == uuid).collect();
        own.sort_by_key(|interface| interface["order"].as_i64());
        json!(own)
    }

    /// Moves an instance to another state, and notes an event.
    pub(super) fn enter(&mut self, uuid: &str, state: &str) {
        if let Some(instance) = self.instances.get_mut(uuid) {
            instance.document["state"] = state.into();
            instance.note("mutate", "set attribute", json!({ "attribute": "state", "value": state }));
        }
    }

    pub(super) fn state(&self, uuid: &str) -> String {
        self.instances.get(uuid).and_then(|it| it.document["state"].as_str()).unwrap_or_default().to_owned()
    }

    /// Frees what the instance used; its addresses stay reserved for a while.
    pub(super) fn release(&mut self, uuid: &str) {
        for interface in self.interfaces.values_mut().filter(|interface| interface["instance_uuid"] == uuid) {
            interface["state"] = "deleted".into();
            let address = interface["ipv4"].as_str().unwrap_or_default();
            let network =
                interface["network_uuid"].as_str().and_then(|network| self.networks.get_mut(network));
            if let Some(reserved) = network.and_then(|network| network.reserved.get_mut(address)) {
                (reserved.kind, reserved.when) = (HALO, now());
            }
        }
        let gone = |interface: &Value| interface["instance_uuid"] == uuid;
        self.interfaces.retain(|_, interface| !gone(interface));
    }

    pub(super) fn add_blob(&mut self, bytes: Bytes) -> String {
        let uuid = uuid();
        self.add_blob_as(uuid.clone(), bytes);
        uuid
    }

    pub(super) fn add_blob_as(&mut self, uuid: String, bytes: Bytes) {
        let hash = ring::digest::digest(&ring::digest::SHA512, &bytes);
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let document = json!({
            "uuid": uuid, "state": "created", "metadata": {}, "version": 6, "size": bytes.len(), "modified": now(),
            "fetched_at": now(), "depends_on": null, "transcodes": {}, "locations": ["localhost"],
            "reference_count": 0, "sha512": hash, "last_used": null, "mime-type": "application/octet-stream",
            "virtual size": bytes.len(), "instances": []
        });
        self.blobs.insert(uuid, Blob { document, bytes });
    }
}

impl Instance {
    pub(super) fn note(&mut self, kind: &str, message: &str, extra: Value) {
        self.events.push(json!({
            "type": kind, "timestamp": now(), "fqdn": "localhost", "duration": 0.0, "message": message,
            "extra": extra
        }));
    }

    /// Notes what a request did, with its id.
    pub(super) fn audit(&mut self, message: &str, mut extra: Value, request: &str) {
        extra["request-id"] = request.into();
        self.note("audit", message, extra);
    }

    /// The guest starts to boot: its agent will report again.
    pub(super) fn boot(&mut self) {
        self.boots += 1;
        self.document["power_state"] = "on".into();
        self.silence("no contact");
        let line = format!("boot {}\n", self.boots);
        self.console.extend_from_slice(line.as_bytes());
    }

    /// The agent can't be reached. One that has never reported stays that way.
    pub(super) fn silence(&mut self, why: &str) {
        if !self.document["agent_state"].is_null() {
            self.document["agent_state"] = format!("not ready ({why})").into();
        }
    }

    pub(super) fn metadata(&mut self) -> &mut Map<String, Value> {
        let metadata = &mut self.document["metadata"];
        if !metadata.is_object() {
            *metadata = json!({});
        }
        match metadata {
            Value::Object(members) => members,
            _ => unreachable!("it was just made an object"),
        }
    }
}

/// Only the namespace `system` sees those of other namespaces.
pub(super) fn is_visible(document: &Value, namespace: &str) -> bool {
    namespace == "system" || document["namespace"] == namespace
}

pub(super) fn uuid() -> String {
    let bits = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-4{}-8{}-{}", &bits[..8], &bits[8..12], &bits[13..16], &bits[17..20], &bits[20..])
}

pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// 406 unless the instance is `created`.
pub(super) fn must_be_created(document: &Value) -> Result<(), Failure> {
    if document["state"] == "created" {
        return Ok(());
    }
    let (uuid, state) =
        (document["uuid"].as_str().unwrap_or_default(), document["state"].as_str().unwrap_or_default());
    Err(failure(406, format!("instance {uuid} is not ready ({state})")))
}
