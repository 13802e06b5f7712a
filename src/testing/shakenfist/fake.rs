//! A Shaken Fist server in this process.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::api::{Api, KNOWN};
use super::held::{Held, hold};
use super::release::Release;
use super::state::World;
use crate::testing::server::common::common;
use crate::testing::server::doors::Doors;
use crate::testing::server::front::Front;
use crate::testing::server::tasks::lock;
use crate::testing::shell::{CommandResult, PlantedCommand, PlantedProgram};

/// A Shaken Fist server in this process, on a loopback port.
///
/// It behaves as recorded from real servers: instances go through all their states in the background, an agent in each
/// runs a few shell commands, refused launches leave records behind, and failures have the real texts. Instances are
/// only documents. The namespaces are `system` (key `secret`), `demo` (`demokey`) and `other` (`otherkey`). Clones are
/// handles to the same server, which stops when the last one is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use windlass::testing::FakeShakenFist;
///
/// let fake = FakeShakenFist::start().await?;
/// let sf = fake.client()?;
/// assert!(sf.capabilities().await?.has("instance-execute"));
/// assert_eq!(fake.requests("GET /"), 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FakeShakenFist(Arc<Server>);

#[derive(Debug)]
struct Server {
    world: Arc<World>,
    doors: Doors,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.world.work.abort();
    }
}

/// Starting and stopping the server.
impl FakeShakenFist {
    /// Starts a server of the newest release. Call it within a tokio runtime.
    ///
    /// # Errors
    ///
    /// If there is no free loopback port.
    pub async fn start() -> io::Result<Self> {
        Self::start_as(Release::default()).await
    }

    /// Starts a server of this release.
    ///
    /// # Errors
    ///
    /// If there is no free loopback port.
    pub async fn start_as(release: Release) -> io::Result<Self> {
        let world = World::new(release);
        let doors = Doors::open(Front::new(Arc::new(Api(world.clone())), KNOWN))?;
        Ok(Self(Arc::new(Server { world, doors })))
    }

    /// Stops the server: connections are cut, and new ones refused. Its data stay.
    pub async fn stop(&self) {
        self.0.doors.close().await;
    }
}

common! {
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use windlass::testing::FakeShakenFist;
    /// let fake = FakeShakenFist::start().await?;
    /// fake.on("GET /instances").times(2).reply(502, "<html>bad gateway</html>");
    /// assert!(fake.client()?.instances().await?.is_empty());
    /// assert_eq!(fake.requests("GET /instances"), 3);
    /// # Ok(()) }
    /// ```
    FakeShakenFist
}

/// Keys and tokens.
impl FakeShakenFist {
    /// How long new tokens are valid (default: 15 minutes).
    pub fn token_life(&self, life: Duration) {
        self.0.world.data().knobs.token_life = life;
    }

    /// From now on refuses every token that was issued, as expired.
    pub fn expire_tokens(&self) {
        let now = tokio::time::Instant::now();
        self.0.world.data().tokens.values_mut().for_each(|token| token.ends = now);
    }

    /// Gives a namespace another key. Its tokens become invalid at once, and the server doesn't say why.
    pub fn rotate_key(&self, namespace: &str, key: &str) {
        if let Some(known) = self.0.world.data().namespaces.get_mut(namespace) {
            known.key = key.to_owned();
            known.nonce = rand::random();
        }
    }
}

/// The contents of the server.
impl FakeShakenFist {
    /// The UUIDs of the instances that aren't deleted.
    pub fn instances(&self) -> Vec<String> {
        let all = self.0.world.data();
        let there = all.instances.iter().filter(|(_, instance)| instance.document["state"] != "deleted");
        there.map(|(uuid, _)| uuid.clone()).collect()
    }

    /// An instance's document, as `GET` shows it.
    pub fn instance(&self, uuid: &str) -> Option<Value> {
        Some(self.0.world.data().view(uuid)).filter(|document| !document.is_null())
    }

    /// Changes an instance's document, for example to what a future server may send. False if there is none.
    pub fn edit_instance(&self, uuid: &str, edit: impl FnOnce(&mut Value)) -> bool {
        let mut all = self.0.world.data();
        all.instances.get_mut(uuid).map(|instance| edit(&mut instance.document)).is_some()
    }

    /// Changes an agent operation's document. False if there is none.
    pub fn edit_agent_operation(&self, uuid: &str, edit: impl FnOnce(&mut Value)) -> bool {
        self.0.world.data().operations.get_mut(uuid).map(edit).is_some()
    }

    /// Plants the result of a command: its name and arguments, separated by spaces.
    ///
    /// The guests of a fake know only a few commands; any other one fails as a command that doesn't exist.
    pub fn command(&self, command: &str) -> PlantedCommand {
        self.0.world.commands.plant(command)
    }

    /// Plants the results of a program by a function of its arguments.
    ///
    /// The function gets what follows the name, and says what the program prints and how it ends.
    pub fn program(
        &self,
        name: &str,
        answer: impl Fn(&[String]) -> CommandResult + Send + Sync + 'static,
    ) -> PlantedProgram {
        self.0.world.commands.program(name, answer)
    }

    /// The UUIDs of all agent operations.
    pub fn agent_operations(&self) -> Vec<String> {
        self.0.world.data().operations.keys().cloned().collect()
    }

    /// The content of a file inside an instance, and its permissions.
    pub fn file(&self, instance: &str, path: &str) -> Option<(Vec<u8>, i64)> {
        let files = self.0.world.data().instances.get(instance)?.files.clone();
        lock(&files.0).get(path).cloned()
    }

    /// Puts a file into an instance.
    pub fn add_file(&self, instance: &str, path: &str, content: impl Into<Vec<u8>>) {
        if let Some(instance) = self.0.world.data().instances.get(instance) {
            lock(&instance.files.0).insert(path.to_owned(), (content.into(), 0o644));
        }
    }

    /// Adds a blob, and returns its UUID.
    pub fn add_blob(&self, content: impl Into<bytes::Bytes>) -> String {
        self.0.world.data().add_blob(content.into())
    }

    /// Damages a blob: its bytes no longer match its checksum.
    pub fn damage_blob(&self, uuid: &str) {
        if let Some(blob) = self.0.world.data().blobs.get_mut(uuid) {
            let mut bytes = blob.bytes.to_vec();
            bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            blob.bytes = bytes.into();
        }
    }

    /// The names of the artifacts that aren't deleted.
    pub fn artifacts(&self) -> Vec<String> {
        let all = self.0.world.data();
        let there = all.artifacts.values().filter(|artifact| artifact["state"] != "deleted");
        there.filter_map(|artifact| artifact["name"].as_str().map(str::to_owned)).collect()
    }

    /// Appends to the serial console of a guest.
    pub fn write_console(&self, instance: &str, text: &str) {
        if let Some(instance) = self.0.world.data().instances.get_mut(instance) {
            instance.console.extend_from_slice(text.as_bytes());
        }
    }
}

/// Pace, and failures.
impl FakeShakenFist {
    /// How long each step in the background takes from now on (default: 20 ms).
    pub fn pace(&self, step: Duration) {
        self.0.world.data().knobs.pace = step;
    }

    /// Keeps instances in their state until the result is dropped, for example in `preflight` or `delete-wait`.
    pub fn hold_instances(&self) -> Held {
        hold(&self.0.world.held)
    }

    /// Keeps agents silent, and agent operations in `executing`, until the result is dropped.
    pub fn hold_agents(&self) -> Held {
        hold(&self.0.world.agents_held)
    }

    /// The next `count` launches find no room: 507, and a record in the state `error`. If it is `transient`, the answer
    /// has `Retry-After: 1`.
    pub fn no_room(&self, count: usize, transient: bool) {
        self.0.world.data().knobs.full = (count, transient);
    }

    /// From now on new instances fail in this state (`preflight` or `creating`), with this message.
    pub fn fail_launches(&self, state: &str, message: &str) {
        self.0.world.data().knobs.failing = Some((state.to_owned(), message.to_owned()));
    }

    /// From now on answers requests that start something with 202 instead of 200, as newer servers may.
    pub fn answer_accepted(&self) {
        self.0.world.data().knobs.accepted = 202;
    }

    /// What agents report when they are ready (default: `ready`).
    pub fn agents_say(&self, word: &str) {
        self.0.world.data().knobs.agent_ready = word.to_owned();
    }

    /// The next `count` lists of instances miss those that are changing their state, as those of real servers sometimes
    /// do. Lists that include deleted ones miss none.
    pub fn lists_miss_changing(&self, count: usize) {
        self.0.world.data().knobs.blind_lists = count;
    }

    /// How many floating addresses the cluster has, including those in use (default: 250).
    pub fn floating_addresses(&self, count: usize) {
        self.0.world.data().knobs.floating = count;
    }

    /// Makes all reservations of addresses older by this much.
    pub fn age_addresses(&self, by: Duration) {
        let mut all = self.0.world.data();
        let reserved = all.networks.values_mut().flat_map(|network| network.reserved.values_mut());
        reserved.for_each(|it| it.when -= by.as_secs_f64());
    }

    /// From now on guests ignore ACPI: soft reboots are answered, and nothing happens.
    pub fn deaf_guests(&self) {
        self.0.world.data().knobs.deaf = true;
    }
}
