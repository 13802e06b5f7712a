//! The metadata of an instance's image, and access to the instance.

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::{Instance, types};
use crate::stream::query::Query;

impl<D: Identified> Instance<D> {
    /// Reads the metadata of the instance's image: architecture, dates, properties, templates.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let mut metadata = web.get_metadata().await?;
    /// metadata.properties.insert("os".into(), "debian".into());
    /// web.set_metadata(metadata).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/reference/image_format/>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance.
    pub async fn get_metadata(&self) -> Result<types::InstanceMetadata, Error> {
        self.incus.raw().instance_metadata_get().name(self.name()).send().await
    }

    /// Replaces the metadata, all of it. Changes that another client made in between are lost.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance.
    pub async fn set_metadata(&self, metadata: types::InstanceMetadata) -> Result<(), Error> {
        self.incus.raw().instance_metadata_put().name(self.name()).body(metadata).send().await
    }

    /// Sets one of the metadata's properties, and leaves the rest alone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance.
    pub async fn set_metadata_property(&self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        let change = types::InstanceMetadataPatch {
            properties: Some([(key.to_owned(), value.into())].into()),
            ..Default::default()
        };
        self.incus.raw().instance_metadata_patch().name(self.name()).body(change).send().await
    }

    /// The access that each certificate or identity has to the instance.
    ///
    /// Incus 7.0 lists the trusted certificates as well. Empty on 6.0 without fine-grained authorization, and for an
    /// instance that isn't there.
    pub fn access(&self) -> Query<types::AccessEntry> {
        let instance = self.reference();
        Query::one(async move { instance.incus.raw().instance_access().name(instance.name()).send().await })
    }
}
