//! Services: what instances belong to.

use super::client::Koyeb;
use super::types;
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::transport::checked;

identified! { types::Service: id; }

handle! {
    /// A service: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let shop = koyeb.service("8a41").get().await?;
    /// println!("{} is {}", shop.name, shop.status);
    /// shop.scale(3).await?;                                  // three healthy instances when this returns
    /// let deployment = shop.redeploy().use_cache().await?;   // healthy when this returns
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://www.koyeb.com/docs/reference/services>
    Service<types::Service> of koyeb: Koyeb;
    /// A handle on a service of which only the id is known.
    ServiceRef
}

impl Koyeb {
    /// A handle on a service, by its id. Sends nothing.
    pub fn service(&self, id: impl Into<String>) -> ServiceRef {
        Service::new(self, Id::new(id))
    }
}

impl<D: Identified> Service<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the service.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every request](Koyeb#errors).
    pub async fn get(&self) -> Result<Service, Error> {
        self.get_by(&self.koyeb).await
    }

    /// The same with another way of repeating the request; the result has this handle's own.
    pub(super) async fn get_by(&self, koyeb: &Koyeb) -> Result<Service, Error> {
        let id = checked("id", self.id())?;
        let came = koyeb.raw().get_service().id(id).send().await?;
        Ok(Service::new(&self.koyeb, came))
    }
}
