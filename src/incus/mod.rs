//! [Incus](https://linuxcontainers.org/incus/): containers and virtual machines.

mod addresses;
mod backup;
mod bearer;
mod certificate;
mod cluster;
mod connect;
mod console;
mod delete;
#[cfg(test)]
mod discover;
mod ending;
mod endpoint;
mod events;
mod exec;
mod feed;
mod file;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod image;
mod import;
mod instance;
mod instances;
mod join;
mod labels;
mod launch;
mod launched;
mod local;
mod log;
mod metadata;
mod migrate;
mod operation;
mod operations;
mod part;
mod reach;
mod rebuild;
mod reconciled_work;
mod refresh;
mod relocate;
mod remotes;
mod reply;
mod resume;
mod server;
mod settle;
mod sizes;
mod snapshot;
mod source;
mod state;
mod template;
mod token;
mod trust;
mod until;
mod update;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

use crate::client::Client;
use crate::place::Place;
use crate::place::Server;
use crate::raw;
use crate::transport::retry::Retry;
use crate::transport::{Handle, Label};

pub use crate::raw::incus::types;
pub use crate::raw::incus::types::{
    FileType, ImageProtocol, InstanceFull, InstanceState, InstanceType, LifecycleAction, LogLevel,
    StateAction, Status,
};
pub use addresses::AddressKind;
pub use backup::{Backup, BackupRef, CreateBackup};
pub use bearer::BearerToken;
pub use certificate::{AddCertificate, Certificate, CertificateRef};
pub use cluster::{ClusterMember, ClusterMemberRef};
pub use connect::Connect;
pub use console::{AttachConsole, Console};
pub use delete::DeleteInstance;
pub use events::{Event, Events, Stamped, Watch};
pub use exec::{Exec, UntilSuccess};
pub use file::{Copied, DeleteFile, FileInfo, MakeDir, PullTree, Push, PushTree, ReadDir, Symlink};
pub use identity::Identity;
pub use image::{
    ExportImage, Image, ImageAlias, ImageAliasRef, ImageFiles, ImageRef, ImportImage, PatchImage,
};
pub use import::ImportBackup;
pub use instance::{Instance, InstanceRef};
pub use instances::Instances;
pub use launch::Launch;
pub use log::LogFile;
pub use migrate::Migrate;
pub use operations::{BackgroundOperation, OperationRef, Operations};
pub use rebuild::Rebuild;
pub use refresh::Refresh;
pub use relocate::Relocate;
pub use resume::Resume;
pub use snapshot::{CreateSnapshot, Restore, Snapshot, SnapshotRef};
pub use source::{ImageSource, Original};
pub use state::{ChangeAllStates, ChangeState};
pub use template::Template;
pub use token::TrustToken;
pub use trust::CreateTrustToken;
pub use update::PatchInstance;

/// A client of an Incus server. Cheap to clone; all clones share connections, retry budget and events.
///
/// ```no_run
/// use windlass::incus::Incus;
/// # async fn demo() -> windlass::Result<()> {
/// let incus = Incus::discover().await?;
/// let web = incus.launch("web").image("debian/13").cpus(2).memory("2GiB").await?;
/// let kernel = web.exec(["uname", "-r"]).output().await?.success()?;
/// println!("{} runs {}", web.name, kernel.stdout_text());
/// web.stop().force().await?;
/// web.delete().await?;
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/rest-api/>
#[derive(Debug, Clone)]
pub struct Incus(Arc<Core>);

struct Core {
    /// Adds the project to each call, and the cluster member to those that make an instance.
    raw: raw::incus::Client,
    /// Where the server was found, for people.
    origin: String,
    /// Which server it is, for tickets.
    server: Server,
    /// Who this client is to a remote server.
    identity: Option<Identity>,
    feeds: Arc<feed::Feeds>,
    /// Who waits by a long poll of his own holds one of few permits.
    polls: Arc<Semaphore>,
    /// A command that starts holds one of few permits until its streams are connected.
    starting: Arc<Semaphore>,
    /// Whether the server's PATCH leaves out what isn't said: asked once, when it matters.
    patches_well: Arc<OnceCell<bool>>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incus")
            .field("origin", &self.origin)
            .field("project", &self.raw.handle.scope("project"))
            .finish_non_exhaustive()
    }
}

impl Client for Incus {
    fn place(&self) -> Place {
        let scope = format!("project:{}", self.own_project().unwrap_or("default"));
        Place { api: "incus", server: self.0.server.clone(), scope }
    }

    fn address(&self) -> &str {
        self.0.raw.handle.server()
    }
}

impl Incus {
    /// The same server with another way of repeating failed requests; a cheap handle.
    ///
    /// ```no_run
    /// # use windlass::{Retry, incus::Incus};
    /// # fn demo(incus: &Incus) {
    /// let once = incus.with(Retry::never());
    /// # let _ = once; }
    /// ```
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        self.handled(|handle| handle.with(retry))
    }

    /// The same server, another project; a cheap handle.
    #[must_use]
    pub fn project(&self, name: impl Into<String>) -> Self {
        self.handled(|handle| handle.scoped("project", name.into()))
    }

    /// Every operation of the API, one request each, with the same retries, limits, spans and errors.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::incus::Incus) -> windlass::Result<()> {
    /// let web = incus.raw().instance_get().name("web").send().await?;
    /// # Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::incus::Client {
        &self.0.raw
    }

    /// Where the server was found: a path, a URL or the setting that named it.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The certificate that this client shows to a remote server, and its key; none on this machine.
    ///
    /// After [`Connect::join`] without an identity it is the one that was made for this: save it to come back.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    fn handled(&self, change: impl FnOnce(&Handle) -> Handle) -> Self {
        self.changed(|core| core.raw.handle = change(&core.raw.handle))
    }

    fn changed(&self, change: impl FnOnce(&mut Core)) -> Self {
        let old = &*self.0;
        let mut core = Core {
            raw: old.raw.clone(),
            origin: old.origin.clone(),
            server: old.server.clone(),
            identity: old.identity.clone(),
            feeds: old.feeds.clone(),
            polls: old.polls.clone(),
            starting: old.starting.clone(),
            patches_well: old.patches_well.clone(),
        };
        change(&mut core);
        Self(Arc::new(core))
    }

    /// For errors that no answer is behind.
    fn label(&self, operation: &'static str, object: impl Into<String>) -> Label {
        self.0.raw.handle.label(operation, object)
    }

    pub(crate) fn own_project(&self) -> Option<&str> {
        self.0.raw.handle.scope("project")
    }
}

/// The options of a device.
fn device<K: Into<String>, V: Into<String>>(
    options: impl IntoIterator<Item = (K, V)>,
) -> BTreeMap<String, String> {
    options.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}
