//! An instance: what is known of it together with a handle on it.

use super::client::Koyeb;
use super::model::InstanceInfo;
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::transport::checked;

identified! { InstanceInfo: id; }

handle! {
    /// An instance: typed data together with a cheap handle.
    ///
    /// The data are fields, reached directly; the verbs are methods:
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let web = koyeb.instance("2f1c").get().await?;
    /// println!("{} in {} is {}", web.id, web.region, web.status);
    /// let web = web.until_healthy().await?;
    /// let done = web.exec(["uptime"]).output().await?.success()?;
    /// # Ok(()) }
    /// ```
    ///
    /// Only services start and stop instances, so there are no such verbs here.
    ///
    /// Vendor's page: <https://www.koyeb.com/docs/reference/instances>
    Instance<InstanceInfo> of koyeb: Koyeb;
    /// A handle on an instance of which only the id is known.
    InstanceRef
}

impl Koyeb {
    /// A handle on an instance, by its id. Sends nothing.
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
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every request](Koyeb#errors).
    pub async fn get(&self) -> Result<Instance, Error> {
        self.get_by(&self.koyeb).await
    }

    /// The same with another way of repeating the request; the result has this handle's own.
    pub(super) async fn get_by(&self, koyeb: &Koyeb) -> Result<Instance, Error> {
        let id = checked("id", self.id())?;
        let came = koyeb.raw().get_instance().id(id).send().await?;
        Ok(Instance::new(&self.koyeb, InstanceInfo::from(came)))
    }
}
