//! Creating instances: never twice, and never lost.

use std::fmt;
use std::time::Duration;

use super::devices::device;
use super::launched::{Launched, is_ambiguous};
use super::reconcile::{self, MARKER, MARKER_LABEL};
use super::{instance_source, sizes};
use crate::error::Error;
use crate::incus::connect::image_remotes;
use crate::incus::instance::labels::config_key;
use crate::incus::operation::work::IncusWork;
use crate::incus::types;
use crate::incus::types::{InstanceType, SourceType};
use crate::incus::{Incus, Instance};
use crate::launch_marker::Marker;
use crate::transport::Call;
use crate::transport::checked;
use crate::wait::{Operation, into_future};

/// An instance to create; from [`Incus::launch`] or [`Incus::create`].
///
/// `.await` it for the finished instance, or [`send`](Self::send) it and keep the operation.
///
/// The request is never repeated blindly. Where its answer is lost, the client looks for the instance by a marker in
/// its configuration (`user.windlass.launch`) and goes on with what it finds; else the error is of
/// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) and names the marker. A copy is a launch with
/// another source, and as safe; how it ended is told by the same marker.
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Launch {
    pub(in crate::incus) incus: Incus,
    pub(in crate::incus) create: Box<types::InstanceCreate>,
    /// The image's alias may begin with a remote.
    pub(in crate::incus) as_command: bool,
    target: Option<String>,
    marker: Marker,
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
    ///     .image("images:debian/13")
    ///     .cpus(2)
    ///     .memory("2GiB")
    ///     .config("user.role", "shop")
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// An existing name is [`Error::is_already_exists`]. An image that the server neither has nor can fetch fails the
    /// operation; if it is an alias, [`Error::suggestion`] says how to write the image of a remote.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_create/>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken,
    /// [`ErrorKind::OperationFailed`](crate::ErrorKind::OperationFailed) if the server doesn't have the image,
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for impossible settings,
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer is lost and nothing can be found.
    pub fn launch(&self, name: impl Into<String>) -> Launch {
        Launch::new(self, name.into(), true)
    }

    /// The instance made by the launch with this [marker](Launch::marker), in this client's project.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus, saved: String) -> windlass::Result<()> {
    /// match incus.launched(&saved).await? {
    ///     Some(web) => println!("{} is {}", web.name, web.status),
    ///     None => println!("nothing was made, or it is deleted"),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Errors of [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) have the marker as
    /// [`Error::marker`]. The instance is there from the moment at which the server begins to make it; it may not be
    /// finished.
    ///
    /// # Errors
    ///
    /// Those of a list.
    #[doc(alias = "find_by_marker")]
    pub async fn launched(&self, marker: &str) -> Result<Option<Instance>, Error> {
        let found = self.instances().label(MARKER_LABEL, marker).await?;
        // A copy by another program has the marker of its original, which is older.
        Ok(found.into_iter().min_by_key(|instance| instance.created_at))
    }

    /// Makes an instance and leaves it stopped.
    ///
    /// # Errors
    ///
    /// Those of [`launch`](Self::launch).
    pub fn create(&self, name: impl Into<String>) -> Launch {
        Launch::new(self, name.into(), false)
    }
}

impl Launch {
    pub(in crate::incus) fn new(incus: &Incus, name: String, start: bool) -> Self {
        let create = types::InstanceCreate {
            start,
            type_: Some(InstanceType::Container),
            ..types::InstanceCreate::new(name, instance_source::blank())
        };
        let (marker, window) = (Marker::random(), Duration::from_secs(10));
        Self {
            incus: incus.clone(),
            create: Box::new(create),
            as_command: false,
            target: None,
            marker,
            window,
        }
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

    /// How much memory it may use: `512MiB`, `2GB`, `1073741824` or `50%`.
    ///
    /// Units are `kB`, `MB`, `GB` … and `KiB`, `MiB`, `GiB` …, in this spelling. Other sizes are an error of
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), and nothing is sent.
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

    /// Sets a label: the configuration key `user.<key>`.
    ///
    /// [`Instances::label`](crate::incus::Instances::label) finds instances by it.
    pub fn label(self, key: &str, value: impl Into<String>) -> Self {
        self.config(config_key(key), value)
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

    /// On this member of the cluster, rather than that of the handle ([`Incus::on`]) or of the cluster's choice.
    pub fn target(mut self, member: impl Into<String>) -> Self {
        self.target = Some(member.into());
        self
    }

    /// A key of yours, for example the id of a job. If an instance of the project has it, this launch makes none: it
    /// goes on with that one, also in another process, and whatever its name and settings are.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// // The same call after a crash gives the same instance.
    /// let web = incus.launch("job-17").key("job-17").image("images:debian/13").await?;
    /// # let _ = web; Ok(()) }
    /// ```
    ///
    /// The key is the launch's [marker](Self::marker), and [`Incus::launched`] asks for it. It has 1 to 128 characters,
    /// none of them a control character. It is free again once the instance is deleted.
    ///
    /// With the same name, launches of several processes at the same time make one instance, and all get it: names are
    /// unique. With different names they can make several; then `launched` gives the oldest, and so do later launches.
    ///
    /// # Errors
    ///
    /// Sending fails with [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a text that can't be a key,
    /// and waiting with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the instance is there, but doesn't run.
    /// It isn't started: it may have done its work.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.marker = Marker::key(key);
        self
    }

    /// What marks the instance as made by this launch: random, or the [key](Self::key). To recover even if this process
    /// dies, use a key, or save the marker before sending; [`Incus::launched`] finds the instance by it.
    pub fn marker(&self) -> &str {
        self.marker.as_str()
    }

    /// How long to look for the instance when the answer to the request is lost; ten seconds if not set.
    pub fn reconcile_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Starts it, too.
    pub fn start(mut self) -> Self {
        self.create.start = true;
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Incus::launch`].
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        let incus = self.incus.clone();
        let label = incus.label("instance_create", self.create.name.as_str());
        // Callers may keep this future while they wait: what it takes to send is dropped before.
        let (operation, ending) = Box::pin(label.watch(self.begin())).await?;
        Ok(IncusWork::found(&incus, operation, ending))
    }

    pub(crate) fn client(&self) -> &Incus {
        &self.incus
    }

    /// The operation that makes it, if there is one to wait for, and what comes after.
    ///
    /// Of many, most wait for their turn to send the request. What happens rarely is in boxes, so that they are small.
    pub(in crate::incus) async fn begin(mut self) -> Result<(Option<types::Operation>, Launched), Error> {
        self.check()?;
        if let Some(found) = Box::pin(by_key(&self.incus, &self.marker, self.create.start)).await? {
            return Ok(found);
        }
        Box::pin(self.prepare()).await?;
        let Self { incus, mut create, target, marker, window, .. } = self;
        let start = create.start;
        let ending = Launched::new(&create.name, &marker, start)
            .of_image(instance_source::local_alias(&create.source));
        create.config.insert(MARKER.to_owned(), ending.marker().to_owned());
        let e = match post(&incus, create, target).await {
            Ok(operation) => return Ok((Some(operation), ending)),
            Err(e) => e,
        };
        Box::pin(after(e, &incus, &marker, start, window, ending)).await
    }

    /// Adds what has to be looked up.
    async fn prepare(&mut self) -> Result<(), Error> {
        if self.as_command {
            image_remotes::resolve(&self.incus, &mut self.create.source).await?;
        }
        if self.create.source.type_ == SourceType::Copy {
            instance_source::inherit(&self.incus, &mut self.create).await?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let types::InstanceCreate { name, source, config, devices, .. } = &*self.create;
        checked("name", name)?;
        self.marker.check()?;
        instance_source::check(source)?;
        if config.get("limits.memory").is_some_and(String::is_empty) {
            return Err(Error::invalid("memory", "is empty"));
        }
        sizes::check(config, devices)
    }
}

/// What became of a launch whose request failed.
async fn after(
    e: Error,
    incus: &Incus,
    marker: &Marker,
    start: bool,
    window: Duration,
    ending: Launched,
) -> Result<(Option<types::Operation>, Launched), Error> {
    if is_ambiguous(&e) {
        return Ok((ending.find(incus, window, e).await?, ending));
    }
    if !e.is_already_exists() {
        return Err(e);
    }
    match by_key(incus, marker, start).await? {
        Some(found) => Ok(found),
        None => Err(ending.check_name_taken(incus, e).await),
    }
}

/// The instance that has the key already, and the operation that is still about to make it.
async fn by_key(
    incus: &Incus,
    marker: &Marker,
    start: bool,
) -> Result<Option<(Option<types::Operation>, Launched)>, Error> {
    if !marker.is_key() {
        return Ok(None);
    }
    let Some(found) = incus.launched(marker.as_str()).await? else { return Ok(None) };
    let operation = reconcile::running(incus, found.name()).await?;
    Ok(Some((operation, Launched::new(found.name(), marker, start))))
}

fn post(incus: &Incus, create: Box<types::InstanceCreate>, target: Option<String>) -> Call<types::Operation> {
    let request = incus.raw().instance_create().body(*create);
    match target {
        Some(target) => request.target(target).send(),
        None => request.send(),
    }
}

into_future!(Launch => Instance: send);
