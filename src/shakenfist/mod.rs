//! [Shaken Fist](https://shakenfist.com/): virtual machines on small clusters.

mod agent;
mod agent_operation;
mod artifact;
mod auth;
mod blob;
mod capability;
mod clock;
mod connect;
mod console;
mod create;
mod delete;
mod discover;
mod event;
mod exec;
mod hot_plug;
mod instance;
mod instances;
mod interface;
mod lost;
mod meanwhile;
mod metadata;
mod network;
mod power;
mod pull;
mod push;
mod reboot;
mod reply;
mod resume;
mod settle;
mod snapshot;
mod spec;
mod upload;
mod work;

use std::sync::Arc;

use crate::client::Client;
use crate::place::Place;
use crate::raw;
use crate::transport::Label;
use crate::transport::retry::Retry;

pub use crate::raw::shakenfist::types;
pub use crate::raw::shakenfist::types::{
    AgentOperationState, DiskBus, EventType, InstanceState, InterfaceModel, ObjectState, PowerState, Vdi,
    VideoModel,
};
pub use agent_operation::AgentOperation;
pub use artifact::{Artifact, ArtifactUpload};
pub use blob::{Blob, BlobData};
pub use capability::Capabilities;
pub use connect::Connect;
pub use console::ConsoleLog;
pub use create::Create;
pub use event::{Event, Events};
pub use exec::Exec;
pub use hot_plug::HotPlug;
pub use instance::{Instance, InstanceRef, Named, Subject};
pub use instances::Instances;
pub use interface::Interface;
pub use network::{Network, NetworkCreate};
pub use power::PowerChange;
pub use pull::Pull;
pub use push::{Push, PushBlob};
pub use resume::Resume;
pub use snapshot::{Snapshot, SnapshotCreate};
pub use spec::{Disk, Nic, Video};

/// A client of a Shaken Fist cluster. Cheap to clone; all clones share connections, token and retry budget.
///
/// ```no_run
/// use windlass::shakenfist::{Disk, ShakenFist};
/// # async fn demo() -> windlass::Result<()> {
/// let sf = ShakenFist::discover().await?;
/// let web = sf.create("web").cpus(1).memory_mib(1024).disk(Disk::from_base("debian:12").size_gb(20)).await?;
/// let kernel = web.exec("uname -r").output().await?.success()?;
/// println!("{} runs {}", web.name, kernel.stdout_text());
/// web.delete().await?;
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/>
#[derive(Debug, Clone)]
pub struct ShakenFist(Arc<Core>);

struct Core {
    raw: raw::shakenfist::Client,
    /// For what needs no token.
    open: raw::shakenfist::Client,
    /// Where the cluster was found, for people.
    origin: String,
    namespace: String,
    place: Place,
    capabilities: Arc<tokio::sync::OnceCell<Capabilities>>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShakenFist")
            .field("origin", &self.origin)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Client for ShakenFist {
    fn place(&self) -> Place {
        self.0.place.clone()
    }

    fn address(&self) -> &str {
        self.0.raw.handle.server()
    }
}

impl ShakenFist {
    /// The same cluster with another way of repeating failed requests; a cheap handle.
    ///
    /// ```no_run
    /// # use windlass::{Retry, shakenfist::ShakenFist};
    /// # fn demo(sf: &ShakenFist) {
    /// let once = sf.with(Retry::never());
    /// # let _ = once; }
    /// ```
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        let old = &*self.0;
        Self(Arc::new(Core {
            raw: raw::shakenfist::Client { handle: old.raw.handle.with(retry.clone()) },
            open: raw::shakenfist::Client { handle: old.open.handle.with(retry) },
            origin: old.origin.clone(),
            namespace: old.namespace.clone(),
            place: old.place.clone(),
            capabilities: old.capabilities.clone(),
        }))
    }

    /// Every operation of the API, one request each, with the same token, retries, time limits, spans and errors.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let web = sf.raw().instance_get().instance_ref("web").send().await?;
    /// # let _ = web; Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::shakenfist::Client {
        &self.0.raw
    }

    /// Where the cluster was found: a URL, or the setting that named it.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The namespace whose key the client has.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// For errors that no answer is behind.
    fn label(&self, operation: &'static str, object: &str) -> Label {
        self.0.raw.handle.label(operation, object)
    }

    /// As [`raw`](Self::raw), without a token.
    fn open(&self) -> &raw::shakenfist::Client {
        &self.0.open
    }
}
