//! A service that speaks Koyeb's REST API and its websockets.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::api;
use super::quirk::Quirk;
use super::world::World;
use crate::testing::server::common::common;
use crate::testing::server::doors::Doors;
use crate::testing::server::front::Front;
use crate::testing::server::tasks::lock;
use crate::testing::shell::{CommandResult, PlantedCommand, PlantedProgram};

/// A fake Koyeb in this process, on its own loopback port.
///
/// Services, deployments, instances, snapshots, events and logs are documents in memory, paged and filtered as the real
/// service does, with `null` and `""` where it sends those. Deployments and scaling proceed in the background.
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
    /// If there is no free loopback port or no temporary directory.
    pub async fn start() -> io::Result<FakeKoyeb> {
        let world = Arc::new(World::default());
        let front = Front::new(Arc::new(api::Api(world.clone())), api::KNOWN);
        Ok(FakeKoyeb(Arc::new(Server { world, doors: Doors::open(front)? })))
    }

    /// The token that it accepts.
    pub fn token(&self) -> &str {
        &self.0.world.token
    }

    /// Stops: cuts connections and refuses new ones. Its data stay.
    pub async fn stop(&self) {
        self.0.doors.close().await;
    }
}

common! {
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

/// Faults that only this service has.
impl FakeKoyeb {
    /// Allows this many requests in each span of this length, and answers others with 429 and a body that isn't JSON.
    pub fn rate_limit(&self, requests: u32, span: Duration) {
        self.0.world.limit.set(requests, span);
    }

    /// The next exec or tail opens, and then sends only an error frame with this gRPC number and message.
    pub fn stream_error(&self, code: i32, message: &str) {
        lock(&self.0.world.quirks).push_back(Quirk::Error(code, message.to_owned()));
    }

    /// The next exec or tail sends this frame first, and then continues as usual.
    pub fn stream_frame(&self, frame: &str) {
        lock(&self.0.world.quirks).push_back(Quirk::Say(frame.to_owned()));
    }

    /// The next exec or tail opens and is cut at once without a frame: the real service refuses some tokens this way.
    pub fn stream_cut(&self) {
        lock(&self.0.world.quirks).push_back(Quirk::Cut);
    }

    /// The next exec or tail opens, and then nothing is read, sent or closed any more.
    pub fn stream_dead(&self) {
        lock(&self.0.world.quirks).push_back(Quirk::Dead);
    }
}

/// The contents of the service.
impl FakeKoyeb {
    /// Plants the result of a command: its name and arguments, separated by spaces.
    ///
    /// The guests of a fake know only a few commands; any other one fails as a command that doesn't exist.
    pub fn command(&self, command: &str) -> PlantedCommand {
        self.0.world.planted.plant(command)
    }

    /// Plants the results of a program by a function of its arguments.
    ///
    /// The function gets what follows the name, and says what the program prints and how it ends.
    pub fn program(
        &self,
        name: &str,
        answer: impl Fn(&[String]) -> CommandResult + Send + Sync + 'static,
    ) -> PlantedProgram {
        self.0.world.planted.program(name, answer)
    }

    /// Adds a healthy service with this name and this many healthy instances in the region `fra`; returns its id.
    pub fn add_service(&self, name: &str, instances: u32) -> String {
        self.0.world.add_service(name, instances)
    }

    /// Adds an instance in this state that belongs to no service; returns its id.
    pub fn add_instance(&self, status: &str) -> String {
        self.0.world.add_instance("", "fra", status)
    }

    /// Adds this many instances that exist only in lists without filters, and take no memory.
    pub fn add_crowd(&self, instances: u64) {
        lock(&self.0.world.state).crowd += instances;
    }

    /// The ids of all instances, of a service or of all (`""`), oldest first.
    pub fn instances(&self, service: &str) -> Vec<String> {
        let state = lock(&self.0.world.state);
        let mine = state.instances.iter().filter(|one| service.is_empty() || one["service_id"] == service);
        mine.filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect()
    }

    /// The document with this id.
    pub fn document(&self, id: &str) -> Option<Value> {
        lock(&self.0.world.state).find(id).cloned()
    }

    /// Changes a document, for example to states that don't exist yet, nulls or new fields. False if nothing has this
    /// id.
    pub fn edit(&self, id: &str, edit: impl FnOnce(&mut Value)) -> bool {
        lock(&self.0.world.state).find_mut(id).map(edit).is_some()
    }

    /// Sets the state of the document with this id. False if there is none.
    pub fn set_status(&self, id: &str, status: &str) -> bool {
        self.edit(id, |document| document["status"] = status.into())
    }

    /// Adds an event of an instance; returns the event's id.
    pub fn add_event(&self, instance: &str, event_type: &str) -> String {
        lock(&self.0.world.state).add_event(instance, event_type)
    }

    /// Adds a line to the log of an instance, as of now, and sends it to all who follow.
    pub fn add_log(&self, instance: &str, stream: &str, message: &str) {
        self.0.world.add_log(instance, stream, message, None);
    }

    /// Adds a line with another time: the clock of an instance may be wrong, and lines may come late.
    pub fn add_log_at(&self, instance: &str, stream: &str, message: &str, time: SystemTime) {
        self.0.world.add_log(instance, stream, message, Some(time.into()));
    }

    /// Adds a line to the log of the latest build of a service.
    pub fn add_build_log(&self, service: &str, message: &str) {
        self.0.world.add_build_log(service, message);
    }

    /// Adds an organization of the user. From then on websockets need a token of that organization, and are otherwise
    /// cut without a frame.
    pub fn add_organization(&self, id: &str) {
        lock(&self.0.world.state).organizations.push(id.to_owned());
    }

    /// No longer accepts the tokens of organizations that it has issued so far.
    pub fn revoke_tokens(&self) {
        lock(&self.0.world.state).tokens.clear();
    }
}

/// Time, commands and followers.
impl FakeKoyeb {
    /// How long each step of a deployment, a scaling and so on takes from now on; 20 ms if not set.
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

    /// Closes the connection of every running command properly, but without an exit status.
    pub fn close_commands(&self) {
        self.0.world.closing.send_modify(|times| *times += 1);
    }

    /// How many clients follow logs.
    pub fn followers(&self) -> usize {
        self.0.world.followers.now()
    }

    /// Closes the connections of all clients that follow logs.
    pub fn close_tails(&self) {
        self.0.world.tail_closing.send_modify(|times| *times += 1);
    }
}
