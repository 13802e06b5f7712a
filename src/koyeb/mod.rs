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

use progenitor_client::ClientInfo;

use crate::call::Call;
use crate::error::Error;
use crate::place::Place;
use crate::raw;
use crate::retry::Retry;
use crate::transport::Inner;

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
        let (url, origin) = (self.0.raw.baseurl(), &self.0.origin);
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

impl Koyeb {
    /// The same service with another way of repeating failed requests; a cheap handle.
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        let raw = rebuild(&self.0.raw, self.0.raw.inner().with(retry));
        Self(Arc::new(Core { raw, origin: self.0.origin.clone(), place: self.0.place.clone() }))
    }

    /// Every operation of the API, without waiting or typed errors, but with the same retries, time limits and
    /// spans.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let reply = match koyeb.raw().get_instance().id("2f1c").send().await {
    ///     Ok(reply) => reply.into_inner(),
    ///     Err(e) => return Err(windlass::Error::from_raw(e).await),
    /// };
    /// # Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::koyeb::Client {
        &self.0.raw
    }

    /// Where the token was found: a variable, a file, or the call that it was given to.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Which service and account this is.
    pub(crate) fn place(&self) -> &Place {
        &self.0.place
    }

    /// Where the service is, for errors.
    pub(crate) fn address(&self) -> &str {
        &self.0.raw.inner().shared.server
    }

    /// A raw client for one call, which keeps a record of it.
    fn call(&self) -> Call<raw::koyeb::Client> {
        Call::new(self.0.raw.inner(), |inner| rebuild(&self.0.raw, inner))
    }
}

fn rebuild(raw: &raw::koyeb::Client, inner: Inner) -> raw::koyeb::Client {
    raw::koyeb::Client::new_with_client(raw.baseurl(), raw.client().clone(), inner)
}

/// Ids end up in paths: what would lead elsewhere is refused before anything is sent.
fn checked_id(id: &str) -> Result<types::PathSegment, Error> {
    match types::PathSegment::try_from(id) {
        Ok(segment) => Ok(segment),
        Err(_) if id.is_empty() => Err(Error::invalid("id", "is empty")),
        Err(_) => {
            Err(Error::invalid("id", format!("{id:?} can't be an id: no \".\", \"..\", \"/\" or \"\\\"")))
        }
    }
}

/// The next of several values of one filter.
fn push<T>(list: &mut Option<Vec<T>>, value: T) {
    list.get_or_insert_default().push(value);
}
