//! An Incus server in this process.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::api::{Api, KNOWN};
use super::common::digest;
use super::generation::Generation;
use super::hold::Hold;
use super::world::{Instance, Key, World, documents, image_document, unified};
use crate::testing::server::common::common;
use crate::testing::server::doors::Doors;
use crate::testing::server::fault::{Action, Planting};
use crate::testing::server::front::Front;
use crate::testing::server::tasks::lock;
use crate::testing::server::tls::Tls;
use crate::testing::shell::{CommandResult, Files, PlantedCommand, PlantedProgram};

/// An Incus server in this process, on a unix socket (not on Windows) and loopback ports, one of them with TLS.
///
/// It behaves as recorded from real servers: operations run in the background and are forgotten five seconds after
/// their end, events are pushed, `exec` runs a few shell commands, and failures have the real texts. Instances are only
/// documents: nothing is installed and nothing needs root. Clones are handles to the same server, which stops when the
/// last one is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use windlass::testing::FakeIncus;
///
/// let fake = FakeIncus::start().await?;
/// fake.add_instance("web");
/// assert_eq!(fake.client()?.instance("web").get().await?.name, "web");
/// assert_eq!(fake.requests("GET /1.0/instances/{name}"), 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FakeIncus(pub(super) Arc<Server>);

#[derive(Debug)]
pub(super) struct Server {
    pub(super) world: Arc<World>,
    pub(super) doors: Doors,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.world.work.abort();
    }
}

/// What kind of server to start.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `start`"]
pub struct FakeIncusBuilder {
    generation: Generation,
    without_image: bool,
    members: Vec<String>,
}

impl FakeIncusBuilder {
    /// The generation (default: 7.0).
    pub fn generation(mut self, generation: Generation) -> FakeIncusBuilder {
        self.generation = generation;
        self
    }

    /// Leaves out the image `busybox`.
    pub fn without_image(mut self) -> FakeIncusBuilder {
        self.without_image = true;
        self
    }

    /// Makes it a cluster of these members. The first one answers; the others are only names.
    pub fn cluster<M: Into<String>>(mut self, members: impl IntoIterator<Item = M>) -> FakeIncusBuilder {
        self.members = members.into_iter().map(Into::into).collect();
        self
    }

    /// Starts it. Call this within a tokio runtime.
    ///
    /// # Errors
    ///
    /// If there is no free loopback port, or no temporary directory can be made.
    pub async fn start(self) -> io::Result<FakeIncus> {
        let world = World::new(self.generation);
        *lock(&world.members) = self.members;
        let front = Front::new(Arc::new(Api(world.clone())), KNOWN);
        let tls = Arc::new(Tls::new()?);
        let doors = Doors::open_with_tls(front, tls.clone())?;
        world.trust.listens(doors.secure_address(), tls);
        let fake = FakeIncus(Arc::new(Server { world, doors }));
        if !self.without_image {
            fake.add_image("busybox");
        }
        Ok(fake)
    }
}

/// Starting and stopping the server.
impl FakeIncus {
    /// Starts a server of the 7.0 generation with the image `busybox`.
    ///
    /// # Errors
    ///
    /// If there is no free loopback port, or no temporary directory can be made.
    pub async fn start() -> io::Result<FakeIncus> {
        FakeIncus::builder().start().await
    }

    /// Another kind of server, to be configured.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// use windlass::testing::{FakeIncus, Generation};
    /// let old = FakeIncus::builder().generation(Generation::V6_0).without_image().start().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder() -> FakeIncusBuilder {
        FakeIncusBuilder::default()
    }

    /// Stops as a daemon does: connections are cut, new ones refused, operations forgotten. Instances stay.
    pub async fn stop(&self) {
        let world = &self.0.world;
        self.0.doors.close().await;
        world.work.end().await;
        world.operations.forget_all();
        world.sessions.forget_all();
        world.events.cut();
    }
}

common! {
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use windlass::testing::FakeIncus;
    /// let fake = FakeIncus::start().await?;
    /// fake.on("GET /1.0/instances/{name}").times(2).reply(503, "try again");
    /// fake.add_instance("web");
    /// assert_eq!(fake.client()?.instance("web").get().await?.name, "web");
    /// assert_eq!(fake.requests("GET /1.0/instances/{name}"), 3);
    /// # Ok(()) }
    /// ```
    FakeIncus
}

/// What is on the server.
impl FakeIncus {
    /// The names of the default project's instances.
    pub fn instances(&self) -> Vec<String> {
        let instances = lock(&self.0.world.instances);
        let mine = instances.keys().filter(|key| key.0 == "default");
        mine.map(|key| key.1.clone()).collect()
    }

    /// An instance's document, as `GET` shows it.
    pub fn instance(&self, name: &str) -> Option<Value> {
        self.0.world.document(&key(name)).ok()
    }

    /// Changes an instance's document, for example to what a future server may send: states that don't exist yet,
    /// nulls, new fields. False if there is no such instance.
    pub fn edit_instance(&self, name: &str, edit: impl FnOnce(&mut Value)) -> bool {
        let edited = self.0.world.with(&key(name), |instance| instance.edit(edit));
        edited.is_ok()
    }

    /// Plants the result of a command: its name and arguments, separated by spaces.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fake = windlass::testing::FakeIncus::start().await?;
    /// let tests = fake.command("make test").prints("1 failed\n").exits(2);
    ///
    /// let web = fake.client()?.launch("web").image("busybox").await?;
    /// let output = web.exec(["make", "test"]).output().await?;
    /// assert_eq!((output.status.code(), output.stdout_text().as_str()), (2, "1 failed\n"));
    /// assert_eq!(tests.calls(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// The guests of a fake know only a few commands; any other one fails as a command that doesn't exist.
    pub fn command(&self, command: &str) -> PlantedCommand {
        self.0.world.commands.plant(command)
    }

    /// Plants the results of a program by a function of its arguments.
    ///
    /// The function gets what follows the name, and says what the program prints and how it ends.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use windlass::testing::{CommandResult, FakeIncus};
    ///
    /// let fake = FakeIncus::start().await?;
    /// let apt = fake.program("apt-get", |arguments| match arguments.last() {
    ///     Some(package) if package == "nginx" => CommandResult::new().prints("installed\n"),
    ///     _ => CommandResult::new().prints_error("no such package\n").exits(100),
    /// });
    ///
    /// let web = fake.client()?.launch("web").image("busybox").await?;
    /// assert!(web.exec(["apt-get", "install", "nginx"]).output().await?.status.is_success());
    /// assert_eq!(web.exec(["apt-get", "install", "ngin"]).output().await?.status.code(), 100);
    /// assert_eq!(apt.calls()[1], ["install", "ngin"]);
    /// # Ok(()) }
    /// ```
    pub fn program(
        &self,
        name: &str,
        answer: impl Fn(&[String]) -> CommandResult + Send + Sync + 'static,
    ) -> PlantedProgram {
        self.0.world.commands.program(name, answer)
    }

    /// Adds a stopped instance, as if another client had made it.
    pub fn add_instance(&self, name: &str) {
        let key = key(name);
        let world = &self.0.world;
        let image = lock(&world.images).aliased(&key.0, "busybox");
        let document = documents::instance(name, &key.0, &json!({}), image.as_ref());
        let mut instance = Instance::new(document);
        world.apply_profiles(&key.0, &mut instance);
        lock(&world.instances).insert(key, instance);
    }

    /// Adds a project that uses the images and the profiles of the default one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fake = windlass::testing::FakeIncus::start().await?;
    /// fake.add_project("blue");
    /// fake.client()?.project("blue").launch("web").image("busybox").await?;
    /// # Ok(()) }
    /// ```
    pub fn add_project(&self, name: &str) {
        let config = json!({"features.images": "false", "features.profiles": "false"});
        let document = json!({"description": "", "config": config});
        lock(&self.0.world.projects).insert(name.to_owned(), document);
    }

    /// Adds an image with this alias, from which instances can be made.
    pub fn add_image(&self, alias: &str) {
        let world = &self.0.world;
        let image = image_document(world.generation, alias.as_bytes(), "busybox.tar.gz");
        let fingerprint = digest(alias.as_bytes());
        let mut images = lock(&world.images);
        images.add("default", image, unified(alias.as_bytes().to_vec()));
        images.add_alias("default", alias, &fingerprint, "");
    }

    /// Adds an image that this server can fetch: from the server with this URL, by `simplestreams` or `incus`, with that
    /// alias. It can fetch no others.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use windlass::incus::ImageSource;
    /// # use windlass::testing::FakeIncus;
    /// let fake = FakeIncus::start().await?;
    /// fake.add_remote_image("https://images.linuxcontainers.org", "simplestreams", "debian/13");
    /// let debian = ImageSource::alias("debian/13").server("https://images.linuxcontainers.org");
    /// fake.client()?.launch("web").image(debian).await?;
    /// # Ok(()) }
    /// ```
    pub fn add_remote_image(&self, server: &str, protocol: &str, alias: &str) {
        lock(&self.0.world.remote_images).add(server, protocol, alias);
    }

    /// Makes a running instance report through `/dev/incus` that it is ready. False if there is no such instance, or it
    /// doesn't run.
    pub fn say_ready(&self, name: &str) -> bool {
        self.0.world.say_ready(&key(name))
    }

    /// Puts a file into an instance, last changed an hour ago. False if there is no such instance.
    pub fn add_file(&self, instance: &str, path: &str, content: impl Into<Bytes>) -> bool {
        let content = content.into();
        self.0.world.with(&key(instance), |instance| instance.files.add_old(path, content)).is_ok()
    }

    /// Sets how long ago a file was last changed. False if there is no such file.
    pub fn touch_file(&self, instance: &str, path: &str, ago: Duration) -> bool {
        let touched = self.0.world.with(&key(instance), |instance| instance.files.touch(path, ago));
        touched.unwrap_or(false)
    }

    /// Makes every listing of a directory show this name beside the real ones, as a hostile server may.
    pub fn list_also(&self, instance: &str, name: &str) -> bool {
        self.0.world.with(&key(instance), |instance| instance.files.lie(name)).is_ok()
    }

    /// The content of a file inside an instance.
    pub fn file(&self, instance: &str, path: &str) -> Option<Vec<u8>> {
        let files = self.0.world.with(&key(instance), |instance| instance.files.clone());
        files.ok()?.read(path).map(Vec::from)
    }
}

/// Time and events.
impl FakeIncus {
    /// The next request on this route is accepted, and the operation that it starts fails for this reason, without having
    /// changed anything. A request that starts no operation is answered as usual.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use windlass::ErrorKind;
    /// let fake = windlass::testing::FakeIncus::start().await?;
    /// let full = fake.fail_operation("POST /1.0/instances", "No space left on device");
    /// let e = fake.client()?.launch("web").image("busybox").await.expect_err("the disk is full");
    /// assert_eq!((e.kind(), full.hits()), (ErrorKind::OperationFailed, 1));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If the API has no such route.
    #[track_caller]
    pub fn fail_operation(&self, route: &str, why: &str) -> Planting {
        self.on(route).plant(Action::FailLater(why.to_owned()))
    }

    /// How long creating, starting, stopping and so on take from now on (default: 20 ms).
    pub fn operation_delay(&self, delay: Duration) {
        *lock(&self.0.world.pace) = delay;
    }

    /// Keeps every operation except `exec` running until the result is dropped. Immediate failures aren't delayed.
    pub fn hold_operations(&self) -> Hold {
        let world = self.0.world.clone();
        world.held.send_modify(|held| *held += 1);
        Hold(world)
    }

    /// Forgets operations that have ended, as the server does by itself five seconds after their end.
    pub fn forget_finished_operations(&self) {
        self.0.world.operations.forget_finished();
    }

    /// How many clients listen to events.
    pub fn event_listeners(&self) -> usize {
        self.0.world.events.listeners()
    }

    /// Sends an event to those that listen to its kind. It is of the default project, or of none if it is `logging`.
    pub fn send_event(&self, kind: &str, metadata: &Value) {
        let project = if kind == "logging" { "" } else { "default" };
        self.0.world.events.send(kind, project, metadata);
    }

    /// Silences every open events websocket: no event and no ping arrives on it any more, as if the network had failed.
    /// New ones work.
    pub fn hang_events(&self) {
        self.0.world.events.hang();
    }

    /// Cuts every events websocket, without a Close frame.
    pub fn kill_events(&self) {
        self.0.world.events.cut();
    }
}

fn key(name: &str) -> Key {
    ("default".to_owned(), name.to_owned())
}
