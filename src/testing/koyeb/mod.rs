//! A service that speaks Koyeb's REST API and its websockets.

mod api;
mod client;
mod documents;
mod exec;
mod lifecycle;
mod limit;
mod lists;
mod logs;
mod quirk;
mod reply;
mod world;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::listen::Doors;
use super::server::Front;
use super::tasks::lock;
use super::watched::watched;
use quirk::Quirk;
use world::World;

/// A Koyeb in this process, on a loopback port of its own.
///
/// Services, deployments, instances, snapshots, events and logs are documents in memory, paged and filtered as the real
/// service does, with `null` and `""` where it sends those. Deployments and scaling take their time in the background.
/// Commands run in a small built-in shell. Every request needs the [`token`](Self::token). Clones are handles to the
/// same service, which ends with the last of them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use windlass::testing::FakeKoyeb;
///
/// let fake = FakeKoyeb::start().await?;
/// let service = fake.add_service("shop", 2);
/// let instances = fake.client()?.service(&service).instances().await?;
/// assert_eq!(instances.len(), 2);
/// assert_eq!(fake.requests("GET /v1/instances"), 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FakeKoyeb(Arc<Server>);

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

/// Starting and stopping the service.
impl FakeKoyeb {
    /// A service with nothing in it.
    ///
    /// # Errors
    /// When no loopback port or no temporary directory can be had.
    pub async fn start() -> io::Result<FakeKoyeb> {
        let world = Arc::new(World::default());
        let front = Front::new(Arc::new(api::Api(world.clone())));
        Ok(FakeKoyeb(Arc::new(Server { world, doors: Doors::open(front)? })))
    }

    /// `http://127.0.0.1:PORT`: where it is.
    pub fn url(&self) -> String {
        self.0.doors.url()
    }

    /// The token that it accepts.
    pub fn token(&self) -> &str {
        &self.0.world.token
    }

    /// Out of reach from now on: connections are cut, new ones refused. What it knows stays.
    pub async fn stop(&self) {
        self.0.doors.close().await;
    }

    /// Back again, in the same place; stops first if need be.
    ///
    /// # Errors
    /// When its address can't be listened on again.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        self.0.doors.listen()
    }
}

watched! {
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// # use windlass::testing::FakeKoyeb;
    /// let fake = FakeKoyeb::start().await?;
    /// fake.on("GET /v1/instances").skip(2).drop_before();   // the third page is lost
    /// fake.on("POST /v1/services/{id}/redeploy").drop_after();
    /// # Ok(()) }
    /// ```
    FakeKoyeb
}

/// Faults of this service alone.
impl FakeKoyeb {
    /// Allows so many requests in each span of that length, and answers more with 429 and a body that isn't JSON.
    pub fn rate_limit(&self, requests: u32, span: Duration) {
        self.0.world.limit.set(requests, span);
    }

    /// The next exec or tail opens, and then says only this: an error frame with gRPC's number and a message.
    pub fn stream_error(&self, code: i32, message: &str) {
        lock(&self.0.world.quirks).push_back(Quirk::Error(code, message.to_owned()));
    }

    /// The next exec or tail says this frame first, whatever it is, and goes on as usual.
    pub fn stream_frame(&self, frame: &str) {
        lock(&self.0.world.quirks).push_back(Quirk::Say(frame.to_owned()));
    }

    /// The next exec or tail opens and is cut at once, without a word: how the real service refuses some tokens.
    pub fn stream_cut(&self) {
        lock(&self.0.world.quirks).push_back(Quirk::Cut);
    }

    /// The next exec or tail opens, and then nobody is there: nothing is read, nothing said, nothing closed.
    pub fn stream_dead(&self) {
        lock(&self.0.world.quirks).push_back(Quirk::Dead);
    }
}

/// What is on the service.
impl FakeKoyeb {
    /// Adds a healthy service of that name in the region `fra`, with so many healthy instances; gives its id.
    pub fn add_service(&self, name: &str, instances: u32) -> String {
        self.0.world.add_service(name, instances)
    }

    /// Adds an instance in that state, which belongs to no service; gives its id.
    pub fn add_instance(&self, status: &str) -> String {
        self.0.world.add_instance("", "fra", status)
    }

    /// Adds so many instances that exist only in lists without filters: as many as you like, in no memory.
    pub fn add_crowd(&self, instances: u64) {
        lock(&self.0.world.state).crowd += instances;
    }

    /// The ids of all instances, of a service or of all (`""`), oldest first.
    pub fn instances(&self, service: &str) -> Vec<String> {
        let state = lock(&self.0.world.state);
        let mine = state.instances.iter().filter(|one| service.is_empty() || one["service_id"] == service);
        mine.filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect()
    }

    /// The document of whatever has that id.
    pub fn document(&self, id: &str) -> Option<Value> {
        lock(&self.0.world.state).find(id).cloned()
    }

    /// Changes a document, to whatever the service may send in future: states that don't exist yet, nulls, new fields.
    /// False when nothing has that id.
    pub fn edit(&self, id: &str, edit: impl FnOnce(&mut Value)) -> bool {
        lock(&self.0.world.state).find_mut(id).map(edit).is_some()
    }

    /// Puts whatever has that id into a state. False when nothing has it.
    pub fn set_status(&self, id: &str, status: &str) -> bool {
        self.edit(id, |document| document["status"] = status.into())
    }

    /// Adds an event of an instance; gives its id.
    pub fn add_event(&self, instance: &str, event_type: &str) -> String {
        lock(&self.0.world.state).add_event(instance, event_type)
    }

    /// Adds a line to the log of an instance, as of now, and sends it to whoever follows.
    pub fn add_log(&self, instance: &str, stream: &str, message: &str) {
        self.0.world.add_log(instance, stream, message, None);
    }

    /// Adds a line that bears another time: the clock of an instance may be wrong, and a line come late.
    pub fn add_log_at(&self, instance: &str, stream: &str, message: &str, time: SystemTime) {
        self.0.world.add_log(instance, stream, message, Some(time.into()));
    }

    /// Adds a line to the log of the latest build of a service.
    pub fn add_build_log(&self, service: &str, message: &str) {
        self.0.world.add_build_log(service, message);
    }

    /// Adds an organization of the user. From then on websockets need a token of that organization, and are cut without
    /// a word otherwise.
    pub fn add_organization(&self, id: &str) {
        lock(&self.0.world.state).organizations.push(id.to_owned());
    }

    /// No longer accepts the tokens of organizations that it has given out so far.
    pub fn revoke_tokens(&self) {
        lock(&self.0.world.state).tokens.clear();
    }
}

/// Time, commands and followers.
impl FakeKoyeb {
    /// How long each step of a deployment, a scaling and so on takes from now on; 20 ms if never said.
    pub fn step(&self, delay: Duration) {
        *lock(&self.0.world.pace) = delay;
    }

    /// The next deployment ends in `ERROR`, with this message.
    pub fn fail_deployment(&self, message: &str) {
        lock(&self.0.world.state).doomed.push(message.to_owned());
    }

    /// How many commands run now.
    pub fn commands(&self) -> usize {
        self.0.world.commands.now()
    }

    /// Closes the connection of every running command properly, but without a word on its exit status.
    pub fn close_commands(&self) {
        self.0.world.closing.send_modify(|times| *times += 1);
    }

    /// How many clients follow logs.
    pub fn followers(&self) -> usize {
        self.0.world.followers.now()
    }

    /// Closes the connection of everybody who follows logs.
    pub fn close_tails(&self) {
        self.0.world.tail_closing.send_modify(|times| *times += 1);
    }
}
