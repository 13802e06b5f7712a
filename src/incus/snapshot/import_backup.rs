//! Making an instance from the file of a backup.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::incus::launch::launched::{Launched, is_ambiguous};
use crate::incus::launch::reconcile::MARKER;
use crate::incus::operation::completion::Completion;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, Instance, types};
use crate::launch_marker::Marker;
use crate::stream::transfer::{Content, Transferred, Upload};
use crate::ticket::Ticket;
use crate::transport::{Body, Call};
use crate::transport::{Label, checked};
use crate::wait::{BoxFuture, Operation, into_future};

impl Incus {
    /// Makes an instance from the file of a backup, in constant memory: a file of this machine, bytes, or the output of
    /// a reader.
    ///
    /// ```no_run
    /// use windlass::Content;
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let web = incus.import_backup(Content::file("web.tar.gz")).name("web-again").pool("fast").await?;
    /// web.start().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A taken name is [`Error::is_already_exists`], before anything is sent if the name is set here. It isn't started.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_backup/>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if the name is taken, [`ErrorKind::Io`] if the content can't be read,
    /// [`ErrorKind::OutcomeUnknown`] if the answer is lost and nothing can be found.
    pub fn import_backup(&self, content: impl Into<Content>) -> ImportBackup {
        let destination = Destination::default();
        let upload = Upload::new(content.into());
        ImportBackup { incus: self.clone(), upload, destination, window: Duration::from_secs(10) }
    }
}

/// A backup on its way to become an instance; from [`Incus::import_backup`].
///
/// `.await` it for the finished instance, or [`send`](Self::send) it and keep the operation.
///
/// The request is never repeated blindly. Where its answer is lost, the client looks for an instance of the
/// [`name`](Self::name) that bears a marker (`user.windlass.launch`), as with a launch. Servers of generation 6.0 don't
/// write it, and without a name there is nothing to look for: then the error is of [`ErrorKind::OutcomeUnknown`].
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct ImportBackup {
    incus: Incus,
    upload: Upload,
    destination: Destination,
    window: Duration,
}

/// Where the instance is to be.
#[derive(Debug, Clone, Default)]
struct Destination {
    name: Option<String>,
    pool: Option<String>,
    target: Option<String>,
}

impl fmt::Debug for ImportBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportBackup").field("destination", &self.destination).finish_non_exhaustive()
    }
}

impl ImportBackup {
    /// The name of the new instance; that in the backup if not set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.destination.name = Some(name.into());
        self
    }

    /// The storage pool; that in the backup if not set.
    pub fn pool(mut self, name: impl Into<String>) -> Self {
        self.destination.pool = Some(name.into());
        self
    }

    /// On this member of the cluster.
    pub fn target(mut self, member: impl Into<String>) -> Self {
        self.destination.target = Some(member.into());
        self
    }

    /// Calls `tell` after each piece.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.upload.on_progress(tell);
        self
    }

    /// How long the server may take nothing; a minute if not set. How long the whole takes is not limited.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.upload.idle_timeout(limit);
        self
    }

    /// How long to look for the instance when the answer to the request is lost; ten seconds if not set.
    pub fn reconcile_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sends the file; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Incus::import_backup`].
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        let label = self.incus.label("instance_import", self.destination.name.as_deref().unwrap_or_default());
        label.clone().watch(self.sent(label)).await
    }

    async fn sent(self, label: Label) -> Result<Operation<Instance>, Error> {
        let Self { incus, upload, destination, window } = self;
        if let Some(name) = &destination.name {
            checked("name", name)?;
            check_free(&incus, name).await?;
        }
        // Without a name the operation tells it.
        let name = destination.name.as_deref().unwrap_or_default();
        let launched = Launched::new(name, &Marker::random(), false);
        let marker = launched.marker();
        let sent = upload.send(&label, |body| post(&incus, &destination, marker, body)).await;
        let operation = match sent {
            Ok((operation, _)) => Some(operation),
            Err(e) if e.kind() == ErrorKind::Io || !is_ambiguous(&e) => return Err(e),
            Err(e) if destination.name.is_none() => return Err(launched.unknown(e)),
            Err(e) => found(launched.find(&incus, window, e).await, &launched)?,
        };
        Ok(IncusWork::found(&incus, operation, Imported { launched }))
    }
}

/// Sooner than after the upload. The server, too, looks late, and can have begun to write by then.
async fn check_free(incus: &Incus, name: &str) -> Result<(), Error> {
    match incus.instance(name).get().await {
        Ok(_) => {
            let message = format!("there already is an instance {name:?}");
            Err(Error::new(ErrorKind::AlreadyExists, message))
        }
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e),
    }
}

fn post(incus: &Incus, destination: &Destination, marker: &str, body: Body) -> Call<types::Operation> {
    let config = form_urlencoded::Serializer::new(String::new()).append_pair(MARKER, marker).finish();
    let mut request = incus.raw().instance_import().x_incus_config(config);
    if let Some(name) = &destination.name {
        request = request.x_incus_name(name);
    }
    if let Some(pool) = &destination.pool {
        request = request.x_incus_pool(pool);
    }
    if let Some(target) = &destination.target {
        request = request.target(target);
    }
    request.body(body).send().bounded()
}

/// On a server that writes no marker, an instance without one may well be ours.
fn found(
    search: Result<Option<types::Operation>, Error>,
    launched: &Launched,
) -> Result<Option<types::Operation>, Error> {
    search.map_err(|e| if e.is_already_exists() { launched.unknown(e) } else { e })
}

into_future!(ImportBackup => Instance: send);

/// Ends in the instance that the operation names.
struct Imported {
    launched: Launched,
}

impl Completion for Imported {
    type Output = Instance;

    fn ticket(&self, id: &str) -> Ticket {
        let ticket = Ticket::new("incus", "import", id);
        ticket.with("name", self.launched.name()).with("marker", self.launched.marker())
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Instance, Error>> {
        Box::pin(async {
            let url = operation.resources.get("instances").and_then(|urls| urls.first());
            let name = url.and_then(|url| url.split('?').next()?.rsplit('/').next());
            match name {
                Some(name) => incus.instance(name).get().await,
                None => Err(Error::new(ErrorKind::BadReply, "the operation tells no instance")),
            }
        })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        Box::pin(async {
            match self.launched.name() {
                "" => Ok(None),
                _ => self.launched.reconcile(incus).await,
            }
        })
    }
}

pub(in crate::incus) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Instance>> {
    if ticket.kind != "import" {
        return None;
    }
    let launched = Launched::resumed(ticket, false)?;
    Some(IncusWork::resumed(incus, ticket.id(), Imported { launched }))
}
