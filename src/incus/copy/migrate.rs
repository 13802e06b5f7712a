//! Copying or moving an instance to another server.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::incus::launch::devices::device;
use crate::incus::launch::instance_source;
use crate::incus::launch::launched::Launched;
use crate::incus::operation::completion::{Completion, Plain};
use crate::incus::operation::work::IncusWork;
use crate::incus::types;
use crate::incus::types::SourceType;
use crate::incus::{Incus, Instance, InstanceRef, Launch, Status, operation};
use crate::secret::SecretMap;
use crate::ticket::Ticket;
use crate::transport::{Label, checked};
use crate::wait::{BoxFuture, Operation, into_future};

impl<D: Identified> Instance<D> {
    /// Copies it to another server, with its snapshots and configuration. It must be stopped; the copy isn't started.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance, other: windlass::Incus) -> windlass::Result<()> {
    /// let twin = web.copy_to(&other).name("web-2").await?;
    /// let gone = web.move_to(&other).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The other server fetches it from this one, which must listen on HTTPS for that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it runs, [`ErrorKind::Configuration`] if this server doesn't listen on the network,
    /// and those of [`Launch`].
    pub fn copy_to(&self, other: &Incus) -> Migrate {
        Migrate::new(self.reference(), other, false)
    }

    /// Moves it to another server like [`copy_to`](Self::copy_to), and deletes it here once all of it is there.
    ///
    /// If only the deletion fails, the instance is on both servers, and the error says so.
    ///
    /// # Errors
    ///
    /// Those of [`copy_to`](Self::copy_to).
    pub fn move_to(&self, other: &Incus) -> Migrate {
        Migrate::new(self.reference(), other, true)
    }
}

/// An instance on its way to another server; from [`Instance::copy_to`] or [`Instance::move_to`].
///
/// `.await` it for the instance there, or [`send`](Self::send) it and keep the operation. It is never made twice: see
/// [`Launch`]. A ticket resumes the copying; to delete the original is then up to the caller.
#[derive(Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Migrate {
    source: InstanceRef,
    target: Incus,
    address: Option<String>,
    changes: Changes,
    instance_only: bool,
    delete: bool,
}

/// What is to be different at the target.
#[derive(Debug, Clone, Default)]
struct Changes {
    name: Option<String>,
    pool: Option<String>,
    profiles: Option<Vec<String>>,
    window: Option<Duration>,
}

impl fmt::Debug for Migrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrate")
            .field("source", &self.source)
            .field("target", &self.target)
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

impl Migrate {
    fn new(source: InstanceRef, target: &Incus, delete: bool) -> Self {
        let changes = Changes::default();
        Self { source, target: target.clone(), address: None, changes, instance_only: false, delete }
    }

    /// Under this name there.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.changes.name = Some(name.into());
        self
    }

    /// To this storage pool there.
    pub fn pool(mut self, name: impl Into<String>) -> Self {
        self.changes.pool = Some(name.into());
        self
    }

    /// With these profiles there, which must exist, instead of those of the original.
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.changes.profiles = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves the snapshots behind.
    pub fn instance_only(mut self) -> Self {
        self.instance_only = true;
        self
    }

    /// Where the other server reaches this one, for example `https://10.0.0.2:8443`; by default the first address that
    /// this server reports.
    pub fn source_address(mut self, url: impl Into<String>) -> Self {
        self.address = Some(url.into());
        self
    }

    /// How long to look for the instance there when the answer to the request is lost; see
    /// [`Launch::reconcile_window`].
    pub fn reconcile_window(mut self, window: Duration) -> Self {
        self.changes.window = Some(window);
        self
    }

    /// For errors that no answer is behind.
    fn label(&self) -> Label {
        self.source.label("instance_migrate")
    }

    /// Sends the requests; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Instance::copy_to`].
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        checked("name", self.changes.name.as_deref().unwrap_or(self.source.name()))?;
        let original = self.source.get().await?;
        if original.status != Status::Stopped {
            let message = format!("{:?} is {}: it must be stopped", original.name, original.status);
            return Err(self.label().on(Error::new(ErrorKind::Conflict, message)));
        }
        let door = self.door().await?;
        let offer = self.offer().await?;
        let pull = types::InstanceSource {
            mode: "pull".to_owned(),
            operation: format!("{}/1.0/operations/{}", door.url, offer.id),
            certificate: door.certificate,
            secrets: offer.secrets,
            instance_only: self.instance_only,
            ..types::InstanceSource::new(SourceType::Migration)
        };
        let left = Left { source: self.source.clone(), offer: offer.id, delete: self.delete };
        match self.launch(original.into_data(), pull).begin().await {
            Ok((operation, launched)) => {
                Ok(IncusWork::found(&self.target, operation, Migrated { launched, left }))
            }
            Err(e) => {
                // Whether a copy exists or not, the target won't fetch any more.
                if !e.is_outcome_unknown() {
                    left.withdraw().await;
                }
                Err(e)
            }
        }
    }

    /// Where and as whom the source server can be reached.
    async fn door(&self) -> Result<Door, Error> {
        let environment = self.source.incus.get_server().await?.environment;
        let (addresses, certificate) =
            environment.map(|found| (found.addresses, found.certificate)).unwrap_or_default();
        let first = || addresses.first().map(|address| format!("https://{address}"));
        let url = self.address.clone().or_else(first).ok_or_else(|| {
            let message = "the server of the original doesn't listen on the network (core.https_address)";
            self.label().on(Error::new(ErrorKind::Configuration, message))
        })?;
        Ok(Door { url: url.trim_end_matches('/').to_owned(), certificate })
    }

    /// Makes the source server wait for the target to fetch the instance.
    async fn offer(&self) -> Result<Offer, Error> {
        let body = types::InstanceMigrate {
            name: self.source.name().to_owned(),
            instance_only: self.instance_only,
            ..types::InstanceMigrate::new(true)
        };
        let request = self.source.incus.raw().instance_migrate().name(self.source.name()).body(body);
        let operation = request.send().await?;
        Ok(Offer { id: operation.id, secrets: operation.metadata })
    }

    /// The instance as the target is to make it.
    fn launch(&self, original: types::Instance, pull: types::InstanceSource) -> Launch {
        let name = self.changes.name.clone().unwrap_or(original.name);
        let mut launch = Launch::new(&self.target, name, false);
        let create = &mut launch.create;
        create.type_ = Some(original.type_);
        create.architecture = original.architecture;
        create.config = original
            .config
            .into_iter()
            .filter(|(key, _)| instance_source::goes_along(key, self.delete))
            .collect();
        create.devices = original.devices;
        create.description = original.description;
        create.ephemeral = original.ephemeral;
        create.stateful = original.stateful;
        create.profiles = Some(self.changes.profiles.clone().unwrap_or(original.profiles));
        create.source = pull;
        if let Some(pool) = &self.changes.pool {
            let root = create
                .devices
                .entry("root".to_owned())
                .or_insert_with(|| device([("type", "disk"), ("path", "/")]));
            root.insert("pool".to_owned(), pool.clone());
        }
        match self.changes.window {
            Some(window) => launch.reconcile_window(window),
            None => launch,
        }
    }
}

into_future!(Migrate => Instance: send);

/// The way into the source server.
struct Door {
    url: String,
    certificate: String,
}

/// The operation that waits for the target to fetch the instance, and the secrets of its streams.
struct Offer {
    id: String,
    secrets: Option<SecretMap>,
}

/// What is left at the source.
struct Left {
    source: InstanceRef,
    offer: String,
    delete: bool,
}

impl Left {
    /// Ends the offer, so that nothing waits any more and the instance can be used at once.
    async fn withdraw(&self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        if let Err(e) = operation::cancel(&self.source.incus, &self.offer).await {
            tracing::debug!(error = %e, "the offer of an instance could not be withdrawn");
            return;
        }
        // However it ends: it takes a moment.
        let _ = IncusWork::resumed(&self.source.incus, &self.offer, Plain).timeout(PATIENCE).await;
    }

    /// The target has all; now the source may go, if it shall.
    async fn clear(&self) -> Result<(), Error> {
        if !self.delete {
            return Ok(());
        }
        let deleted = async {
            self.given().await?;
            self.source.delete().await
        };
        deleted.await.map_err(|e| {
            let message =
                format!("it is on both servers now, as the original could not be deleted: {}", e.message());
            e.with(|e| e.message = message)
        })
    }

    /// The copy may be incomplete, and only the source knows. Without its confirmation, it keeps the original.
    async fn vouched(&self) -> Result<(), Error> {
        if !self.delete {
            return Ok(());
        }
        match operation::get(&self.source.incus, &self.offer).await {
            Ok(offer) if operation::is_success(&offer) => Ok(()),
            Err(e) if !e.is_not_found() => Err(e),
            _ => {
                let message =
                    "the operation is forgotten; whether all has arrived can't be told, the original is left";
                Err(self.source.label("instance_migrate").on(Error::new(ErrorKind::OperationGone, message)))
            }
        }
    }

    /// Whether the source, too, thinks that all was fetched.
    async fn given(&self) -> Result<(), Error> {
        const PATIENCE: Duration = Duration::from_secs(30);
        match IncusWork::resumed(&self.source.incus, &self.offer, Plain).timeout(PATIENCE).await {
            Ok(()) => Ok(()),
            // Forgotten, five seconds after its end: the target's word is enough.
            Err(e) if e.kind() == ErrorKind::OperationGone => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}

/// Ends in the instance at the target.
struct Migrated {
    launched: Launched,
    left: Left,
}

impl Completion for Migrated {
    type Output = Instance;

    fn ticket(&self, id: &str) -> Ticket {
        self.launched.ticket(id)
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Instance, Error>> {
        Box::pin(async {
            let instance = self.launched.finish(incus, operation).await?;
            self.left.clear().await?;
            Ok(instance)
        })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        Box::pin(async {
            let Some(instance) = self.launched.reconcile(incus).await? else { return Ok(None) };
            self.left.vouched().await?;
            self.left.clear().await?;
            Ok(Some(instance))
        })
    }

    fn confirm<'a>(&'a self, incus: &'a Incus, e: Error) -> BoxFuture<'a, Error> {
        Box::pin(async {
            self.left.withdraw().await;
            self.launched.confirm(incus, e).await
        })
    }
}
