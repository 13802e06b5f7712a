//! Launching instances: never twice, and never lost.

use std::fmt;
use std::time::Duration;

use super::check;
use super::client::LambdaCloud;
use super::error_code::ErrorCode;
use super::instance::Instance;
use super::instance_goal::{Destination, Identity, operation};
use super::launched::Launched;
use super::reconcile::{self, MARKER, WINDOW};
use super::reply::is_ambiguous;
use super::types;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Sent};
use crate::launch_marker::Marker;
use crate::secret::Secret;
use crate::wait::{Operation, into_future};

/// Launches an instance; from [`LambdaCloud::launch`].
///
/// `.await` it for the instance, active and with an address, or [`send`](Self::send) it and keep the operation.
///
/// Billing starts with the request, and the service can't recognise a request that it has seen before. So the request
/// is never repeated unless it provably did nothing, and each launch has a tag of its own (`windlass-launch`). If the
/// answer is lost, the client looks for the tag for as long as the [window](Self::reconcile_window) and continues with
/// what it finds. If it finds nothing, the error is of [`ErrorKind::OutcomeUnknown`]: [`Error::marker`] is the value of
/// the tag, and [`Error::ticket`] is a ticket that looks again.
///
/// If the call is dropped while the request is under way, there may be an instance. To recover even then, set a
/// [`key`](Self::key), or save [`marker`](Self::marker) before sending and pass it to
/// [`launched`](LambdaCloud::launched).
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Launch {
    pub(super) lambda: LambdaCloud,
    pub(super) request: types::LaunchRequest,
    pub(super) marker: Marker,
    window: Duration,
    patient: bool,
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("instance_type", &self.request.instance_type_name)
            .field("region", &self.request.region_name)
            .field("name", &self.request.name)
            .field("marker", &self.marker())
            .finish_non_exhaustive()
    }
}

impl LambdaCloud {
    /// Launches an instance of this type, for example `gpu_1x_a10`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use windlass::lambda_cloud::{ErrorCode, LambdaCloud};
    /// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
    /// let operation = match lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").send().await {
    ///     Err(e) if e.code_is(ErrorCode::InsufficientCapacity) => return Ok(()),
    ///     other => other?,
    /// };
    /// let gpu = operation.on_progress(|p| eprintln!("{p}")).timeout(Duration::from_secs(900)).await?;
    /// println!("{} at {}", gpu.ssh_command().unwrap_or_default(), gpu.instance_type.price());
    /// # Ok(()) }
    /// ```
    ///
    /// The region and an SSH key are required. The wait lasts up to 30 minutes if no limit is set.
    ///
    /// Vendor's page: <https://docs.lambda.ai/public-cloud/on-demand/creating-managing-instances/>
    ///
    /// # Errors
    ///
    /// [`InsufficientCapacity`](ErrorKind::InsufficientCapacity), [`QuotaExceeded`](ErrorKind::QuotaExceeded),
    /// [`NotFound`](ErrorKind::NotFound) if the type, key, image or file system doesn't exist,
    /// [`InvalidInput`](ErrorKind::InvalidInput) before anything is sent if a setting can't be right,
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown), and those of [every request](LambdaCloud#errors).
    /// [`OperationFailed`](ErrorKind::OperationFailed) if the instance is terminated, preempted or unhealthy before it is
    /// active; an unhealthy one still costs money.
    pub fn launch(&self, instance_type: impl Into<String>) -> Launch {
        Launch::new(self, instance_type.into())
    }
}

/// One launch is one instance, whatever the service did.
fn several(kind: ErrorKind, ids: &[String]) -> Error {
    let message = format!("{} instances instead of one: {}", ids.len(), ids.join(", "));
    Error::new(kind, message).with(|e| e.sent = Sent::Yes)
}

impl Launch {
    pub(super) fn new(lambda: &LambdaCloud, instance_type_name: String) -> Self {
        let request = types::LaunchRequest {
            instance_type_name,
            region_name: String::new(),
            ssh_key_names: Vec::new(),
            file_system_names: Vec::new(),
            file_system_mounts: Vec::new(),
            firewall_rulesets: Vec::new(),
            hostname: None,
            image: None,
            name: None,
            tags: Vec::new(),
            user_data: None,
        };
        Self { lambda: lambda.clone(), request, marker: Marker::random(), window: WINDOW, patient: false }
    }

    /// In this region, for example `us-west-1`.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.request.region_name = name.into();
        self
    }

    /// With this SSH key of the account: exactly one.
    pub fn ssh_key(mut self, name: impl Into<String>) -> Self {
        self.request.ssh_key_names.push(name.into());
        self
    }

    /// With this name: up to 64 characters. Names need not be unique.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.request.name = Some(name.into());
        self
    }

    /// With this host name: up to 63 of `a-z`, `0-9` and `-`.
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.request.hostname = Some(name.into());
        self
    }

    /// From the newest image of this family, for example `lambda-stack-24-04`, instead of the newest Lambda Stack.
    pub fn image_family(mut self, family: impl Into<String>) -> Self {
        self.chosen_image().family = Some(family.into());
        self
    }

    /// From the image with this id.
    pub fn image_id(mut self, id: impl Into<String>) -> Self {
        self.chosen_image().id = Some(id.into());
        self
    }

    fn chosen_image(&mut self) -> &mut types::LaunchImage {
        self.request.image.get_or_insert(types::LaunchImage { family: None, id: None })
    }

    /// For cloud-init, in plain text of up to one MiB.
    ///
    /// Vendor's page: <https://cloudinit.readthedocs.io/en/latest/explanation/format.html>
    pub fn user_data(mut self, data: impl Into<Secret>) -> Self {
        self.request.user_data = Some(data.into());
        self
    }

    /// With a label, which the service calls a tag. Keys are of `a-z`, `0-9`, `-` and `:`; values have up to 128
    /// characters.
    #[doc(alias = "tag")]
    pub fn label(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tag(key, value)
    }

    /// With a tag; the same as [`label`](Self::label).
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.tags.push(tag(key, value));
        self
    }

    /// With this file system of the same region, by its name, in its usual place.
    pub fn file_system(mut self, name: impl Into<String>) -> Self {
        self.request.file_system_names.push(name.into());
        self
    }

    /// With the file system of this id at a path below `/home`, `/lambda/nfs` or `/data`.
    ///
    /// ```no_run
    /// # fn demo(launch: windlass::lambda_cloud::Launch) -> windlass::lambda_cloud::Launch {
    /// launch.mount("/data/models").of_file_system("398578a2336b49079e74043f0bd2cfe8")
    /// # }
    /// ```
    pub fn mount(self, path: impl Into<String>) -> Mount {
        Mount { launch: self, path: path.into() }
    }

    /// Behind the firewall ruleset of this id, of the same region.
    pub fn firewall_ruleset(mut self, id: impl Into<String>) -> Self {
        self.request
            .firewall_rulesets
            .push(types::FirewallRulesetId { id: id.into(), extra: Default::default() });
        self
    }

    /// Keeps waiting while the instance is unhealthy: some recover.
    pub fn wait_out_unhealthy(mut self) -> Self {
        self.patient = true;
        self
    }

    /// How long to look for the instance if the answer to the request is lost; ten minutes if not set.
    pub fn reconcile_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// A key of yours, for example the id of a job. If an instance has it, this launch makes none: it goes on with that
    /// one, also in another process, and whatever its type, region and settings are.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// // The same call after a crash gives the same instance.
    /// let gpu = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").key("job-17").await?;
    /// # let _ = gpu; Ok(()) }
    /// ```
    ///
    /// The key is the launch's [marker](Self::marker), and [`launched`](LambdaCloud::launched) asks for it. It has 1 to
    /// 128 characters, none of them a control character. It is free again once the instance is being terminated, or was
    /// preempted. An unhealthy instance keeps it, since it goes on costing money: the wait then fails as that of its
    /// own launch.
    ///
    /// The service has no way to make this atomic: the list of instances is read, then the request is sent. So two
    /// processes that launch with one key at the same time can make two instances, and so can a call that comes before
    /// the service lists an instance made just before. Later calls with the key then fail with
    /// [`Conflict`](ErrorKind::Conflict), which names them all, and make no third.
    ///
    /// # Errors
    ///
    /// Sending fails with [`InvalidInput`](ErrorKind::InvalidInput) for a text that can't be a key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.marker = Marker::key(key);
        self
    }

    /// The value of the tag `windlass-launch` that the instance will have: random, or the [key](Self::key).
    pub fn marker(&self) -> &str {
        self.marker.as_str()
    }

    /// Sends the request. The launch then proceeds by itself; cancelling the operation terminates the instance.
    ///
    /// # Errors
    ///
    /// Those of [`LambdaCloud::launch`], without those of the wait.
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        let checked = check::place(&self.request).and_then(|()| self.check());
        checked.map_err(|e| self.lambda.label("instance_launch", "").on(e))?;
        match self.found_by_key().await? {
            Some(found) => Ok(self.operation(Some(found.id))),
            None => self.place(&self.lambda).await,
        }
    }

    /// All rules except those for the type and the region.
    pub(super) fn check(&self) -> Result<(), Error> {
        check::launch(&self.request)?;
        self.marker.check()
    }

    /// The instance that has the key already.
    pub(super) async fn found_by_key(&self) -> Result<Option<types::Instance>, Error> {
        if !self.marker.is_key() {
            return Ok(None);
        }
        Ok(self.lambda.launched(self.marker()).await?.map(Instance::into_data))
    }

    pub(crate) fn client(&self) -> &LambdaCloud {
        &self.lambda
    }

    /// Sends a request that was checked, by this handle.
    pub(super) async fn place(&self, by: &LambdaCloud) -> Result<Operation<Instance>, Error> {
        match self.post(by).await {
            Ok(ids) => match <[String; 1]>::try_from(ids) {
                Ok([id]) if !id.is_empty() => Ok(self.operation(Some(id))),
                Ok(_) => Err(self.not_one(&[])),
                Err(ids) => Err(self.not_one(&ids)),
            },
            Err(e) if is_ambiguous(&e) => self.reconcile(e).await,
            Err(e) => Err(suggest_types(e)),
        }
    }

    async fn post(&self, by: &LambdaCloud) -> Result<Vec<String>, Error> {
        let mut body = self.request.clone();
        body.tags.push(tag(MARKER, self.marker()));
        let reply = by.raw().instance_launch().body(body).send().await?;
        Ok(reply.instance_ids)
    }

    /// The wait for the instance.
    pub(super) fn operation(&self, id: Option<String>) -> Operation<Instance> {
        operation(&self.lambda, self.identity(id), Launched { patient: self.patient }, self.window)
    }

    fn identity(&self, id: Option<String>) -> Identity {
        Identity { id, marker: Some(self.marker().to_owned()) }
    }

    /// The answer is lost: finds out what became of the request.
    async fn reconcile(&self, lost: Error) -> Result<Operation<Instance>, Error> {
        let found = reconcile::find(&self.lambda, &self.marker, self.window).await;
        let ids: Vec<String> = match found {
            Ok(found) => found.into_iter().map(|instance| instance.id).collect(),
            Err(e) => {
                tracing::debug!(error = %e, "looking for the launched instance failed");
                Vec::new()
            }
        };
        match <[String; 1]>::try_from(ids) {
            Ok([id]) => Ok(self.operation(Some(id))),
            Err(ids) if ids.is_empty() => Err(self.unknown(lost)),
            // Another launch had the same key.
            Err(ids) if self.marker.is_key() => Err(self.marked(several(ErrorKind::Conflict, &ids))),
            Err(ids) => Err(self.not_one(&ids)),
        }
    }

    fn unknown(&self, lost: Error) -> Error {
        self.marked(Error::outcome_unknown("an instance", MARKER, self.marker(), lost))
    }

    /// Accepted, but not as one instance.
    fn not_one(&self, ids: &[String]) -> Error {
        if ids.is_empty() {
            let message = format!("the launch was accepted without an id ({MARKER}={})", self.marker());
            let e = Error::new(ErrorKind::OutcomeUnknown, message);
            return self.marked(e.with(|e| e.sent = Sent::Yes));
        }
        self.marked(several(ErrorKind::BadReply, ids))
    }

    fn marked(&self, e: Error) -> Error {
        let ticket = Launched { patient: self.patient }.facts(self.identity(None).ticket(Launched::KIND));
        let ticket = ticket.at(&self.lambda.place());
        self.lambda.label("instance_launch", "").on(e).with(|e| {
            e.marker = Some(self.marker().to_owned());
            e.ticket = Some(ticket.to_string());
        })
    }
}

into_future!(Launch => Instance: send);

/// Where to mount a file system; from [`Launch::mount`].
#[derive(Debug)]
#[must_use = "nothing is mounted before the file system is named"]
pub struct Mount {
    launch: Launch,
    path: String,
}

impl Mount {
    /// The file system, by its id.
    pub fn of_file_system(self, id: impl Into<String>) -> Launch {
        let (mount_point, file_system_id) = (self.path, id.into());
        let mut launch = self.launch;
        let mount = types::FileSystemMount { mount_point, file_system_id, extra: Default::default() };
        launch.request.file_system_mounts.push(mount);
        launch
    }
}

/// A name where the type belongs is an easy mistake, and the service says only that something doesn't exist.
fn suggest_types(e: Error) -> Error {
    if !e.code_is(ErrorCode::ObjectDoesNotExist) {
        return e;
    }
    let ours = "`instance_types()` lists the types of instances and their regions; `name` names an instance";
    e.with(|e| {
        let theirs = e.suggestion.take();
        e.suggestion = Some(theirs.map_or_else(|| ours.to_owned(), |theirs| format!("{theirs} {ours}")));
    })
}

fn tag(key: impl Into<String>, value: impl Into<String>) -> types::Tag {
    types::Tag { key: key.into(), value: value.into(), extra: Default::default() }
}
