//! [Koyeb](https://www.koyeb.com/): serverless instances.

mod connect;
mod data;
mod deployment;
mod deployments;
mod discover;
mod event;
mod exec;
mod frame;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod goal;
mod handle;
mod instance;
mod instances;
mod logs;
mod organization;
mod pager;
mod redeploy;
mod reply;
mod resume;
mod scale;
mod search;
mod service;
mod services;
mod snapshot;
mod snapshots;
mod subprotocol;
mod tail;

use std::sync::Arc;

use crate::client::Client;
use crate::place::Place;
use crate::raw;
use crate::transport::Label;
use crate::transport::retry::Retry;

pub use crate::raw::koyeb::types;
pub use crate::raw::koyeb::types::{
    DeploymentRole, DeploymentStatus, InstanceSnapshotStatus, InstanceSnapshotType, InstanceStatus,
    LogStream, LogType, Order, ServiceStatus, ServiceType,
};
pub use connect::Connect;
pub use data::{DeploymentInfo, EventInfo, InstanceInfo, ServiceInfo, SnapshotInfo};
pub use deployment::{Deployment, DeploymentRef};
pub use deployments::Deployments;
pub use event::{InstanceEvents, SnapshotEvents};
pub use exec::Exec;
pub use handle::{Id, Subject};
pub use instance::{Instance, InstanceRef};
pub use instances::Instances;
pub use logs::{LogLine, Logs};
pub use redeploy::Redeploy;
pub use resume::Resume;
pub use scale::{Scale, Scaling};
pub use service::{ResumeService, Service, ServiceRef};
pub use services::Services;
pub use snapshot::{Snapshot, SnapshotRef, TakeSnapshot};
pub use snapshots::Snapshots;
pub use tail::{Tail, TailStop, Tailed};

/// A client of Koyeb. Cheap to clone; all clones share connections and retry budget.
///
/// ```no_run
/// use futures_util::TryStreamExt;
/// use windlass::koyeb::{InstanceStatus, Koyeb};
/// # async fn demo() -> windlass::Result<()> {
/// let koyeb = Koyeb::discover().await?;
/// let mut healthy = koyeb.instances().status(InstanceStatus::Healthy).list();
/// while let Some(instance) = healthy.try_next().await? {
///     let kernel = instance.exec(["uname", "-r"]).output().await?.success()?;
///     println!("{} in {} runs {}", instance.id, instance.region, kernel.stdout_text());
/// }
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://www.koyeb.com/docs/reference/api>
#[derive(Clone)]
pub struct Koyeb(Arc<Core>);

struct Core {
    raw: raw::koyeb::Client,
    /// Where the token was found, for people.
    origin: String,
    place: Place,
}

impl std::fmt::Debug for Koyeb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (url, origin) = (self.0.raw.handle.base(), &self.0.origin);
        f.debug_struct("Koyeb").field("url", &url).field("origin", origin).finish_non_exhaustive()
    }
}

/// Gives a raw call the parameters that are there.
macro_rules! given {
    ($call:expr; $($name:ident = $value:expr),* $(,)?) => {{
        let call = $call;
        $(let call = match $value {
            Some(value) => call.$name(value),
            None => call,
        };)*
        call
    }};
}
use given;

impl Client for Koyeb {
    fn place(&self) -> Place {
        self.0.place.clone()
    }

    fn address(&self) -> &str {
        self.0.raw.handle.server()
    }
}

impl Koyeb {
    /// The same service with another way of repeating failed requests; a cheap handle.
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        let raw = raw::koyeb::Client { handle: self.0.raw.handle.with(retry) };
        Self(Arc::new(Core { raw, origin: self.0.origin.clone(), place: self.0.place.clone() }))
    }

    /// Every operation of the API, one request each, with the same retries, time limits, spans and errors.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let instance = koyeb.raw().get_instance().id("2f1c").send().await?;
    /// # let _ = instance; Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::koyeb::Client {
        &self.0.raw
    }

    /// Where the token was found: a variable, a file, or the call that it was given to.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// For errors that no answer is behind.
    fn label(&self, operation: &'static str, object: &str) -> Label {
        self.0.raw.handle.label(operation, object)
    }
}

/// The next of several values of one filter.
fn push<T>(list: &mut Option<Vec<T>>, value: T) {
    list.get_or_insert_default().push(value);
}
