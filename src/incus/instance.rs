//! An instance: what is known of it together with a handle on it.

use std::ops::Deref;

use http::header::ETAG;

use super::{Incus, Status, types};
use crate::error::Error;
use crate::transport::Label;

/// An instance: typed data together with a cheap handle.
///
/// The data are fields, reached directly; the verbs are methods:
///
/// ```no_run
/// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
/// let web = incus.instance("web").get().await?;
/// println!("{} is {} since {:?}", web.name, web.status, web.last_used_at);
/// web.restart().await?;
/// # Ok(()) }
/// ```
///
/// `D` says how much is known: [`types::Instance`] by default, [`types::InstanceFull`], or only a
/// [`Named`] thing. All of them have the same verbs. The data are a picture of the moment at which they were read.
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/instances/>
#[derive(Debug, Clone)]
pub struct Instance<D = types::Instance> {
    pub(super) incus: Incus,
    data: D,
}

/// A handle on an instance of which only the name is known.
pub type InstanceRef = Instance<Named>;

/// Only the name is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Named(pub(super) String);

/// What an instance, or a part of one, can be known by.
pub trait Subject: sealed::Sealed {
    /// Its name.
    fn name(&self) -> &str;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Named {}
    impl Sealed for super::types::Instance {}
    impl Sealed for super::types::InstanceFull {}
    impl Sealed for super::types::InstanceSnapshot {}
    impl Sealed for super::types::InstanceBackup {}
}

impl Subject for Named {
    fn name(&self) -> &str {
        &self.0
    }
}

impl Subject for types::Instance {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Subject for types::InstanceFull {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Subject for types::InstanceSnapshot {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Subject for types::InstanceBackup {
    fn name(&self) -> &str {
        &self.name
    }
}

impl<D> Deref for Instance<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.data
    }
}

impl<D> Instance<D> {
    pub(super) fn new(incus: &Incus, data: D) -> Self {
        Self { incus: incus.clone(), data }
    }

    /// The data alone.
    pub fn into_data(self) -> D {
        self.data
    }
}

impl Incus {
    /// A handle on an instance, without asking the server.
    ///
    /// A name that can't be one is an error of the first call, before anything is sent.
    pub fn instance(&self, name: impl Into<String>) -> InstanceRef {
        Instance::new(self, Named(name.into()))
    }
}

impl<D: Subject> Instance<D> {
    /// The name.
    pub fn name(&self) -> &str {
        self.data.name()
    }

    /// Reads the instance. [`Error::is_not_found`] where there is none.
    pub async fn get(&self) -> Result<Instance, Error> {
        Ok(Instance::new(&self.incus, self.incus.raw().instance_get().name(self.name()).send().await?))
    }

    /// The instance and the mark of this very state of it.
    pub(super) async fn get_with_etag(&self) -> Result<(Instance, Option<String>), Error> {
        let request = self.incus.raw().instance_get().name(self.name());
        let (data, head) = request.send().with_head().await?;
        let etag = head.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        Ok((Instance::new(&self.incus, data), etag))
    }

    /// Reads the instance with its state, snapshots and backups: one call, but a slow one.
    pub async fn get_full(&self) -> Result<Instance<types::InstanceFull>, Error> {
        Ok(Instance::new(&self.incus, self.incus.raw().instance_get_full().name(self.name()).send().await?))
    }

    /// Reads the run-time state: addresses, memory, CPU and disk use.
    ///
    /// Memory and disk are in bytes, CPU in nanoseconds.
    pub async fn state(&self) -> Result<types::InstanceState, Error> {
        self.incus.raw().instance_state_get().name(self.name()).send().await
    }

    /// For errors that no answer is behind.
    pub(super) fn label(&self, operation: &'static str) -> Label {
        self.incus.label(operation, self.name())
    }

    /// The same, about something of it.
    pub(super) fn label_part(&self, operation: &'static str, part: &str) -> Label {
        self.incus.label(operation, format!("{}/{part}", self.name()))
    }

    /// A handle that owns nothing but the name.
    pub(super) fn named(&self) -> InstanceRef {
        self.incus.instance(self.name())
    }
}

/// Whether an instance runs, be it that it says it is ready, too.
pub(super) fn runs(status: &Status) -> bool {
    matches!(status, Status::Running | Status::Ready)
}
