//! An instance: what is known of it together with a handle on it.

use std::ops::Deref;

use super::{LambdaCloud, check, types};
use crate::error::Error;
use crate::transport::checked;

/// An instance: typed data together with a cheap handle.
///
/// The data are fields, reached directly; the verbs are methods:
///
/// ```no_run
/// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
/// let gpu = lambda.instance("0920582c7ff041399e34823a0be62549").get().await?;
/// println!("{:?} is {} in {}, {}", gpu.name, gpu.status, gpu.region.name, gpu.instance_type.price());
/// gpu.restart().await?;
/// # Ok(()) }
/// ```
///
/// `D` says how much is known: [`types::Instance`] by default, or only the id ([`Known`]). Both have the same verbs.
/// The data are a picture of the moment at which they were read.
///
/// Vendor's page: <https://docs.lambda.ai/public-cloud/on-demand/>
#[derive(Debug, Clone)]
pub struct Instance<D = types::Instance> {
    pub(super) lambda: LambdaCloud,
    data: D,
}

/// A handle on an instance of which only the id is known.
pub type InstanceRef = Instance<Known>;

/// Only the id is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Known(String);

/// What an instance can be known by.
pub trait Subject: sealed::Sealed {
    /// The instance's id.
    fn id(&self) -> &str;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Known {}
    impl Sealed for super::types::Instance {}
}

impl Subject for Known {
    fn id(&self) -> &str {
        &self.0
    }
}

impl Subject for types::Instance {
    fn id(&self) -> &str {
        &self.id
    }
}

impl<D> Deref for Instance<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.data
    }
}

impl<D> Instance<D> {
    pub(super) fn new(lambda: &LambdaCloud, data: D) -> Self {
        Self { lambda: lambda.clone(), data }
    }

    /// The data alone.
    pub fn into_data(self) -> D {
        self.data
    }
}

impl LambdaCloud {
    /// A handle on an instance, without asking the service.
    ///
    /// An id that can't be one is an error of the first call, before anything is sent.
    pub fn instance(&self, id: impl Into<String>) -> InstanceRef {
        Instance::new(self, Known(id.into()))
    }
}

impl<D: Subject> Instance<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.id()
    }

    /// Reads the instance. [`Error::is_not_found`] where there is none, or no longer.
    pub async fn get(&self) -> Result<Instance, Error> {
        let data = self.lambda.raw().instance_get().id(self.id()).send().await?;
        Ok(Instance::new(&self.lambda, data))
    }

    /// Gives it another name: up to 64 characters, not unique.
    pub async fn rename(&self, to: impl Into<String>) -> Result<Instance, Error> {
        let to = to.into();
        let id = checked("id", self.id())?;
        check::name("to", &to)?;
        let body = types::InstanceUpdate { name: Some(to) };
        let reply = self.lambda.raw().instance_update().id(id).body(body).send().await?;
        Ok(Instance::new(&self.lambda, reply))
    }

    /// A handle that owns nothing but the id.
    pub(super) fn known(&self) -> InstanceRef {
        self.lambda.instance(self.id())
    }
}

impl Instance {
    /// The command that logs in, as `ssh ubuntu@192.0.2.1`; none before it has an address.
    ///
    /// The SSH server starts a little after the instance becomes active.
    pub fn ssh_command(&self) -> Option<String> {
        self.address().map(|address| format!("ssh ubuntu@{address}"))
    }
}

impl types::Instance {
    /// The public address, once it has one.
    pub fn address(&self) -> Option<&str> {
        self.ip.as_deref().filter(|ip| !ip.is_empty())
    }

    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}
