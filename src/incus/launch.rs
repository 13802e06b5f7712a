//! Creating instances: never twice, and never lost.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use super::ending::Ending;
use super::instance::runs;
use super::reply::open;
use super::settle::{self, MARKER, Settled};
use super::types::{self, InstanceType, SourceType};
use super::work::IncusWork;
use super::{Incus, Instance, checked_name, device, scoped};
use crate::error::{Error, Kind, Sent};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation};

/// An instance to be made; from [`Incus::launch`] or [`Incus::create`].
///
/// `.await` it for the finished instance, or [`send`](Self::send) it and keep the operation.
///
/// The request is never repeated blindly. Where its answer is lost, the client looks for the instance by a marker in
/// its configuration (`user.windlass.launch`) and goes on with what it finds; else the error is of
/// [`Kind::OutcomeUnknown`] and names the marker.
#[derive(Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Launch {
    incus: Incus,
    create: types::InstanceCreate,
    target: Option<String>,
    window: Duration,
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Configuration may hold secrets: user data, environment variables.
        f.debug_struct("Launch")
            .field("name", &self.create.name)
            .field("source", &self.create.source)
            .field("config", &self.create.config.keys())
            .finish_non_exhaustive()
    }
}

impl Incus {
    /// Makes an instance and starts it.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let web = incus
    ///     .launch("web")
    ///     .image("debian/13")
    ///     .cpus(2)
    ///     .memory("2GiB")
    ///     .config("user.role", "shop")
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// An existing name is [`Error::is_already_exists`]; an image that the server doesn't have fails the operation.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_create/>
    pub fn launch(&self, name: impl Into<String>) -> Launch {
        Launch::new(self, name.into(), true)
    }

    /// Makes an instance and leaves it stopped.
    pub fn create(&self, name: impl Into<String>) -> Launch {
        Launch::new(self, name.into(), false)
    }
}

impl Launch {
    fn new(incus: &Incus, name: String, start: bool) -> Self {
        let create = types::InstanceCreate {
            name,
            start,
            source: source(),
            type_: Some(InstanceType::Container),
            architecture: String::new(),
            config: BTreeMap::new(),
            description: String::new(),
            devices: BTreeMap::new(),
            ephemeral: false,
            instance_type: String::new(),
            profiles: None,
            stateful: false,
        };
        Self { incus: incus.clone(), create, target: None, window: Duration::from_secs(10) }
    }

    /// From the image that has this alias, as `debian/13`: one of this server's unless
    /// [`image_server`](Self::image_server) names another.
    pub fn image(mut self, alias: impl Into<String>) -> Self {
        self.create.source.alias = alias.into();
        self
    }

    /// From the image that has this fingerprint, or the start of it.
    pub fn image_fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.create.source.fingerprint = fingerprint.into();
        self
    }

    /// The image is on this simplestreams server, as `https://images.linuxcontainers.org`.
    pub fn image_server(mut self, url: impl Into<String>) -> Self {
        self.create.source.server = url.into();
        self.create.source.protocol = "simplestreams".to_owned();
        self.create.source.mode = "pull".to_owned();
        self
    }

    /// From nothing: an empty root, to be filled or installed into.
    pub fn empty(mut self) -> Self {
        self.create.source.type_ = SourceType::None;
        self
    }

    /// A virtual machine instead of a container.
    pub fn virtual_machine(mut self) -> Self {
        self.create.type_ = Some(InstanceType::VirtualMachine);
        self
    }

    /// How many processors it may use.
    pub fn cpus(self, count: u32) -> Self {
        self.config("limits.cpu", count.to_string())
    }

    /// How much memory it may use, as `512MiB` or `2GiB`.
    pub fn memory(self, size: impl Into<String>) -> Self {
        self.config("limits.memory", size)
    }

    /// Sets a configuration key.
    ///
    /// Vendor's list: <https://linuxcontainers.org/incus/docs/main/reference/instance_options/>
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.create.config.insert(key.into(), value.into());
        self
    }

    /// Adds a device.
    ///
    /// ```no_run
    /// # fn demo(launch: windlass::incus::Launch) -> windlass::incus::Launch {
    /// launch.device("root", [("type", "disk"), ("path", "/"), ("pool", "fast"), ("size", "20GiB")])
    /// # }
    /// ```
    ///
    /// Vendor's list: <https://linuxcontainers.org/incus/docs/main/reference/devices/>
    pub fn device<K: Into<String>, V: Into<String>>(
        mut self,
        name: impl Into<String>,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.create.devices.insert(name.into(), device(options));
        self
    }

    /// Applies these profiles, in this order, instead of the project's default one; an empty list for none.
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.create.profiles = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    /// Deletes it as soon as it stops.
    pub fn ephemeral(mut self) -> Self {
        self.create.ephemeral = true;
        self
    }

    /// A description, in the user's own words.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.create.description = text.into();
        self
    }

    /// On this member of the cluster.
    pub fn target(mut self, member: impl Into<String>) -> Self {
        self.target = Some(member.into());
        self
    }

    /// How long to look for the instance when the answer to the request is lost; ten seconds if not set.
    pub fn settle_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sends the request; the operation goes on by itself.
    pub async fn send(mut self) -> Result<Operation<Instance>, Error> {
        self.check()?;
        let marker = format!("{:032x}", rand::random::<u128>());
        self.create.config.insert(MARKER.to_owned(), marker.clone());
        let ending = Launched { name: self.create.name.clone(), marker, start: self.create.start };
        let (incus, window) = (self.incus.clone(), self.window);
        match self.post().await {
            Ok(operation) => Ok(IncusWork::accepted(&incus, operation, ending)),
            Err(e) if is_ambiguous(&e) => ending.find(&incus, window, e).await,
            Err(e) => Err(ending.check_name_taken(&incus, e).await),
        }
    }

    async fn post(self) -> Result<types::Operation, Error> {
        let call = self.incus.call();
        let request = call.instance_create().body(self.create);
        let request = match self.target {
            Some(target) => request.target(target),
            None => request,
        };
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    fn check(&self) -> Result<(), Error> {
        let types::InstanceCreate { name, source, config, .. } = &self.create;
        checked_name("name", name)?;
        let images =
            [&source.alias, &source.fingerprint].into_iter().filter(|image| !image.is_empty()).count();
        match (&source.type_, images) {
            (SourceType::Image, 0) => {
                return Err(Error::invalid("image", "is missing; `.empty()` makes one from nothing"));
            }
            (SourceType::Image, 2) => {
                return Err(Error::invalid("image", "is given twice, by alias and by fingerprint"));
            }
            (SourceType::None, 1..) => return Err(Error::invalid("image", "doesn't go with `.empty()`")),
            _ => {}
        }
        if config.get("limits.cpu").is_some_and(|count| count == "0") {
            return Err(Error::invalid("cpus", "must be at least one"));
        }
        if config.get("limits.memory").is_some_and(|size| !is_size(size)) {
            return Err(Error::invalid(
                "memory",
                "must be a size as 512MiB, more than zero, or a percentage",
            ));
        }
        Ok(())
    }
}

impl IntoFuture for Launch {
    type Output = Result<Instance, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}

fn source() -> types::InstanceSource {
    types::InstanceSource {
        type_: SourceType::Image,
        alias: String::new(),
        fingerprint: String::new(),
        server: String::new(),
        protocol: String::new(),
        mode: String::new(),
        certificate: String::new(),
        secret: None,
        source: String::new(),
        project: String::new(),
        properties: BTreeMap::new(),
        instance_only: false,
        live: false,
        refresh: false,
        allow_inconsistent: false,
    }
}

/// `512MiB`, `2GB`, `1024`, `50%`; what follows the number is the server's business.
fn is_size(size: &str) -> bool {
    let digits = size.bytes().take_while(u8::is_ascii_digit).count();
    size[..digits].bytes().any(|digit| digit != b'0')
}

/// Whether an instance may have come into being although the request failed.
fn is_ambiguous(e: &Error) -> bool {
    let from_incus = e.code().is_some();
    match e.status() {
        // Accepted, but by which operation can't be read.
        Some(200..=299) => !from_incus,
        // Something between us and the server gave up on it.
        Some(408 | 500..=599) => !from_incus,
        Some(_) => false,
        None => e.sent() == Sent::Unknown,
    }
}

/// Ends in the instance that bears the marker.
struct Launched {
    name: String,
    marker: String,
    start: bool,
}

impl Launched {
    /// The answer is lost: what became of the request?
    async fn find(self, incus: &Incus, window: Duration, lost: Error) -> Result<Operation<Instance>, Error> {
        match settle::find(incus, &self.name, &self.marker, window).await {
            Ok(Settled::Running(operation)) => Ok(IncusWork::accepted(incus, *operation, self)),
            // No operation is left to wait for: waiting for an unknown one ends in what the instance shows.
            Ok(Settled::Exists) => Ok(IncusWork::resumed(incus, settle::FORGOTTEN, self)),
            Ok(Settled::Foreign) => Err(self.name_taken(lost)),
            Ok(Settled::Nothing) => Err(self.unknown(lost)),
            Err(e) => {
                tracing::debug!(error = %e, "looking for the launched instance failed");
                Err(self.unknown(lost))
            }
        }
    }

    fn name_taken(&self, lost: Error) -> Error {
        let message =
            format!("another instance has the name {:?}; the answer to the request was lost", self.name);
        Error::new(Kind::AlreadyExists, message).with(|e| {
            (e.api, e.operation, e.sent) = ("incus", "instance_create", Sent::Unknown);
            e.source = Some(Box::new(lost));
        })
    }

    fn unknown(&self, lost: Error) -> Error {
        let message = format!(
            "{:?} may or may not come into being ({}={}): {}",
            self.name,
            MARKER,
            self.marker,
            lost.message()
        );
        let marker = Some(self.marker.clone());
        Error::new(Kind::OutcomeUnknown, message).with(|e| {
            (e.api, e.operation, e.sent, e.marker) = ("incus", "instance_create", lost.sent(), marker);
            (e.status, e.attempts) = (lost.status(), lost.attempts());
            e.body = bytes::Bytes::copy_from_slice(lost.body());
            e.source = Some(Box::new(lost));
        })
    }

    /// "Already exists" by the text: is there one, and is it somebody else's?
    async fn check_name_taken(&self, incus: &Incus, e: Error) -> Error {
        if !e.is_already_exists() {
            return e;
        }
        let foreign = match incus.instance(&self.name).get().await {
            Ok(instance) => instance.config.get(MARKER) != Some(&self.marker),
            // Who can't look believes the text.
            Err(looked) => !looked.is_not_found(),
        };
        if foreign { e } else { e.with(|inner| inner.kind = Kind::OperationFailed) }
    }

    /// The instance, if it bears the marker.
    async fn own(&self, incus: &Incus) -> Result<Option<Instance>, Error> {
        match incus.instance(&self.name).get().await {
            Ok(instance) if instance.config.get(MARKER) == Some(&self.marker) => Ok(Some(instance)),
            Ok(_) => Ok(None),
            Err(e) if e.is_not_found() => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Ending for Launched {
    type Output = Instance;

    fn ticket(&self, id: &str) -> Ticket {
        let kind = if self.start { "launch" } else { "create" };
        Ticket::new("incus", kind, id).with("name", &self.name).with("marker", &self.marker)
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        _: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Instance, Error>> {
        Box::pin(async { incus.instance(&self.name).get().await })
    }

    fn settle<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        Box::pin(async {
            let Some(instance) = self.own(incus).await? else { return Ok(None) };
            if !self.start || runs(&instance.status) {
                return Ok(Some(instance));
            }
            let message =
                format!("the operation is forgotten; {:?} exists and is {}", self.name, instance.status);
            Err(Error::new(Kind::OperationGone, message))
        })
    }

    fn confirm<'a>(&'a self, incus: &'a Incus, e: Error) -> BoxFuture<'a, Error> {
        Box::pin(self.check_name_taken(incus, e))
    }
}

pub(super) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Instance>> {
    let start = match ticket.kind.as_str() {
        "launch" => true,
        "create" => false,
        _ => return None,
    };
    let (name, marker) = (ticket.fact("name")?.to_owned(), ticket.fact("marker")?.to_owned());
    Some(IncusWork::resumed(incus, ticket.id(), Launched { name, marker, start }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for good in ["512MiB", "2GiB", "1024", "50%"] {
            assert!(is_size(good), "{good}");
        }
        for bad in ["", "0", "0GiB", "MiB", "-1GiB"] {
            assert!(!is_size(bad), "{bad}");
        }
    }
}
