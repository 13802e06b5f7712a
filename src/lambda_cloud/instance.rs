//! An instance: what is known of it together with a handle on it.

use super::client::LambdaCloud;
use super::{check, types};
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::transport::checked;

identified! { types::Instance: id; }

handle! {
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
    /// `D` says how much is known: [`types::Instance`] by default, or only the [`Id`]. Both have the same verbs. The data
    /// show the moment at which they were read.
    ///
    /// Vendor's page: <https://docs.lambda.ai/public-cloud/on-demand/>
    Instance<types::Instance> of lambda: LambdaCloud;
    /// A handle on an instance of which only the id is known.
    InstanceRef
}

impl LambdaCloud {
    /// A handle on an instance, by its id. Sends nothing.
    ///
    /// An id that can't be one is an error of the first call, before anything is sent.
    pub fn instance(&self, id: impl Into<String>) -> InstanceRef {
        Instance::new(self, Id::new(id))
    }
}

impl<D: Identified> Instance<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the instance.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, or no longer, and those of
    /// [every request](LambdaCloud#errors).
    pub async fn get(&self) -> Result<Instance, Error> {
        let data = self.lambda.raw().instance_get().id(self.id()).send().await?;
        Ok(Instance::new(&self.lambda, data))
    }

    /// Gives it another name: up to 64 characters. Names need not be unique.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, [`InvalidInput`](crate::ErrorKind::InvalidInput) if the
    /// name can't be right, and those of [every request](LambdaCloud#errors).
    pub async fn rename(&self, to: impl Into<String>) -> Result<Instance, Error> {
        let to = to.into();
        let id = checked("id", self.id())?;
        check::name("to", &to)?;
        let body = types::InstanceUpdate { name: Some(to) };
        let reply = self.lambda.raw().instance_update().id(id).body(body).send().await?;
        Ok(Instance::new(&self.lambda, reply))
    }
}

impl Instance {
    /// The command that logs in, for example `ssh ubuntu@192.0.2.1`; `None` before it has an address.
    ///
    /// The SSH server starts a little after the instance becomes active.
    pub fn ssh_command(&self) -> Option<String> {
        self.address().map(|address| format!("ssh ubuntu@{address}"))
    }
}

impl types::Instance {
    /// Whether it is being terminated, or gone.
    pub(super) fn is_leaving(&self) -> bool {
        use types::InstanceStatus::{Preempted, Terminated, Terminating};
        matches!(self.status, Terminating | Terminated | Preempted)
    }

    /// The public address, once it has one.
    pub fn address(&self) -> Option<&str> {
        self.ip.as_deref().filter(|ip| !ip.is_empty())
    }

    /// The value of a label, which the service calls a tag.
    #[doc(alias = "tag")]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.tag(key)
    }

    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}
