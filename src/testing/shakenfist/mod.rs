//! A Shaken Fist server in this process.

mod agent;
mod answer;
mod api;
mod artifacts;
mod auth;
mod blobs;
mod client;
mod instances;
mod life;
mod networks;
mod root;
mod snapshots;
mod state;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::server::doors::Doors;
use super::server::front::Front;
use super::server::tasks::lock;
use super::server::watched::watched;
use state::World;

/// The server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Release {
    /// 0.7: no hot plug, no screenshots, no list of addresses.
    V0_7,
    /// 0.8: no hot plug.
    V0_8,
    /// What comes after 0.8: everything.
    #[default]
    Develop,
}

/// A Shaken Fist server in this process, on a loopback port.
///
/// It behaves as recorded from real servers: instances go through all their states in the background, an agent in each
/// runs a few shell commands, refused creates leave records behind, failures have the real texts. Instances are only
/// documents. There are the namespaces `system` (key `secret`), `demo` (`demokey`) and `other` (`otherkey`). Clones are
/// handles to the same server, which ends with the last of them.
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

/// Keeps something from going on, until it is dropped.
#[derive(Debug)]
#[must_use = "it goes on as soon as this is dropped"]
pub struct Held(tokio::sync::watch::Sender<usize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|held| *held -= 1);
    }
}

fn hold(what: &tokio::sync::watch::Sender<usize>) -> Held {
    what.send_modify(|held| *held += 1);
    Held(what.clone())
}

/// Starting and stopping the server.
impl FakeShakenFist {
    /// A server of the newest release; needs a tokio runtime around.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_as(Release::default()).await
    }

    /// A server of this release.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start_as(release: Release) -> io::Result<Self> {
        let world = World::new(release);
        let doors = Doors::open(Front::new(Arc::new(api::Api(world.clone()))))?;
        Ok(Self(Arc::new(Server { world, doors })))
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.0.doors.url()
    }

    /// Goes down: connections are cut, new ones refused. What it knows stays.
    pub async fn stop(&self) {
        self.0.doors.close().await;
    }

    /// Comes back, on the same address; stops first if need be.
    ///
    /// # Errors
    /// When the address can't be listened on again.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        self.0.doors.listen()
    }
}

watched! {
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use windlass::testing::FakeShakenFist;
    /// let fake = FakeShakenFist::start().await?;
    /// fake.on("GET /instances").times(2).reply(502, "<html>bad gateway</html>");
    /// assert!(fake.client()?.instances().list().all().await?.is_empty());
    /// assert_eq!(fake.requests("GET /instances"), 3);
    /// # Ok(()) }
    /// ```
    FakeShakenFist
}

/// Keys and tokens.
impl FakeShakenFist {
    /// How long new tokens are accepted, and said to be; 15 minutes if never said.
    pub fn token_life(&self, life: Duration) {
        self.0.world.data().knobs.token_life = life;
    }

    /// Every token that was handed out is refused from now on, as one that has run out.
    pub fn expire_tokens(&self) {
        let now = tokio::time::Instant::now();
        self.0.world.data().tokens.values_mut().for_each(|token| token.ends = now);
    }

    /// Gives a namespace another key: its tokens are worthless at once, and the server says so without words.
    pub fn rotate_key(&self, namespace: &str, key: &str) {
        if let Some(known) = self.0.world.data().namespaces.get_mut(namespace) {
            known.key = key.to_owned();
            known.nonce = rand::random();
        }
    }
}

/// What is on the server.
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

    /// Changes an instance's document, to whatever a server of the future may send. False when there is none.
    pub fn edit_instance(&self, uuid: &str, edit: impl FnOnce(&mut Value)) -> bool {
        let mut all = self.0.world.data();
        all.instances.get_mut(uuid).map(|instance| edit(&mut instance.document)).is_some()
    }

    /// Changes an agent operation's document. False when there is none.
    pub fn edit_agent_operation(&self, uuid: &str, edit: impl FnOnce(&mut Value)) -> bool {
        self.0.world.data().operations.get_mut(uuid).map(edit).is_some()
    }

    /// The UUIDs of all agent operations.
    pub fn agent_operations(&self) -> Vec<String> {
        self.0.world.data().operations.keys().cloned().collect()
    }

    /// What a file inside an instance holds, and its permissions.
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

    /// Adds a blob; gives its UUID.
    pub fn add_blob(&self, content: impl Into<bytes::Bytes>) -> String {
        self.0.world.data().add_blob(content.into())
    }

    /// Damages a blob: its bytes are others than its checksum says.
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

    /// Adds to what a guest has written to its serial console.
    pub fn write_console(&self, instance: &str, text: &str) {
        if let Some(instance) = self.0.world.data().instances.get_mut(instance) {
            instance.console.extend_from_slice(text.as_bytes());
        }
    }
}

/// Pace, and ways to go wrong.
impl FakeShakenFist {
    /// How long each step in the background takes from now on; 20 ms if never said.
    pub fn pace(&self, step: Duration) {
        self.0.world.data().knobs.pace = step;
    }

    /// Keeps instances in the state that they are in until the result is dropped: stuck in `preflight`, or in
    /// `delete-wait`.
    pub fn hold_instances(&self) -> Held {
        hold(&self.0.world.held)
    }

    /// Keeps agents silent, and agent operations in `executing`, until the result is dropped.
    pub fn hold_agents(&self) -> Held {
        hold(&self.0.world.agents_held)
    }

    /// The next `count` creates find no room: 507, and a record in the state `error`. A `transient` want of room comes
    /// with `Retry-After: 1`.
    pub fn no_room(&self, count: usize, transient: bool) {
        self.0.world.data().knobs.full = (count, transient);
    }

    /// From now on new instances fail in this state (`preflight` or `creating`), with this message.
    pub fn fail_creates(&self, state: &str, message: &str) {
        self.0.world.data().knobs.failing = Some((state.to_owned(), message.to_owned()));
    }

    /// What begins in the background is answered with 202 instead of 200 from now on, as newer servers may.
    pub fn answer_accepted(&self) {
        self.0.world.data().knobs.accepted = 202;
    }

    /// What agents say when they are ready, in place of `ready`.
    pub fn agents_say(&self, word: &str) {
        self.0.world.data().knobs.agent_ready = word.to_owned();
    }

    /// The next `count` lists of instances miss those that are changing their state, as a real server's do now and
    /// then; lists of deleted ones, too, miss none.
    pub fn lists_miss_changing(&self, count: usize) {
        self.0.world.data().knobs.blind_lists = count;
    }

    /// How many floating addresses the cluster has; 250 if never said. Those in use count.
    pub fn floating_addresses(&self, count: usize) {
        self.0.world.data().knobs.floating = count;
    }

    /// All addresses were reserved, or given back, so much earlier.
    pub fn age_addresses(&self, by: Duration) {
        let mut all = self.0.world.data();
        let reserved = all.networks.values_mut().flat_map(|network| network.reserved.values_mut());
        reserved.for_each(|it| it.when -= by.as_secs_f64());
    }

    /// Guests don't care about ACPI from now on: soft reboots are answered, and nothing happens.
    pub fn deaf_guests(&self) {
        self.0.world.data().knobs.deaf = true;
    }
}
