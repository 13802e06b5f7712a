//! An instance: what is known of it together with a handle on it.

use std::ops::Deref;

use super::reply::{open, open_with_etag};
use super::{Incus, checked_name, scoped, types};
use crate::error::Error;

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
pub struct Named(String);

/// What an instance can be known by.
pub trait Subject: sealed::Sealed {
    /// The instance's name.
    fn name(&self) -> &str;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Named {}
    impl Sealed for super::types::Instance {}
    impl Sealed for super::types::InstanceFull {}
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
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_get().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        Ok(Instance::new(&self.incus, open(&call, result).await?))
    }

    /// The instance and the mark of this very state of it.
    pub(super) async fn get_with_etag(&self) -> Result<(Instance, Option<String>), Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_get().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        let (data, etag) = open_with_etag(&call, result).await?;
        Ok((Instance::new(&self.incus, data), etag))
    }

    /// Reads the instance with its state, snapshots and backups: one call, but a slow one.
    pub async fn get_full(&self) -> Result<Instance<types::InstanceFull>, Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_get_full().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        Ok(Instance::new(&self.incus, open(&call, result).await?))
    }

    /// Reads the run-time state: addresses, memory, CPU and disk use.
    ///
    /// Memory and disk are in bytes, CPU in nanoseconds.
    pub async fn state(&self) -> Result<types::InstanceState, Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_state_get().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// A handle that owns nothing but the name.
    pub(super) fn named(&self) -> InstanceRef {
        self.incus.instance(self.name())
    }
}
