//! Deployments: versions of a service.

use super::client::Koyeb;
use super::types;
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::transport::checked;

identified! { types::Deployment: id; }

handle! {
    /// A deployment: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let deployment = koyeb.deployment("c07e").until_healthy().timeout(Duration::from_secs(300)).await?;
    /// println!("{} is {}", deployment.id, deployment.status);
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://www.koyeb.com/docs/reference/deployments>
    Deployment<types::Deployment> of koyeb: Koyeb;
    /// A handle on a deployment of which only the id is known.
    DeploymentRef
}

impl Koyeb {
    /// A handle on a deployment, by its id. Sends nothing.
    pub fn deployment(&self, id: impl Into<String>) -> DeploymentRef {
        Deployment::new(self, Id::new(id))
    }
}

impl<D: Identified> Deployment<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the deployment.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every request](Koyeb#errors).
    pub async fn get(&self) -> Result<Deployment, Error> {
        self.get_by(&self.koyeb).await
    }

    /// The same with another way of repeating the request; the result has this handle's own.
    pub(super) async fn get_by(&self, koyeb: &Koyeb) -> Result<Deployment, Error> {
        let id = checked("id", self.id())?;
        let came = koyeb.raw().get_deployment().id(id).send().await?;
        Ok(Deployment::new(&self.koyeb, came))
    }
}
