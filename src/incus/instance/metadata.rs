//! What an instance's image says of itself, and who may do what with the instance.

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::{Instance, types};
use crate::stream::query::Query;

impl<D: Identified> Instance<D> {
    /// Reads what the instance's image says of itself: architecture, dates, properties, templates.
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
    pub async fn get_metadata(&self) -> Result<types::InstanceMetadata, Error> {
        self.incus.raw().instance_metadata_get().name(self.name()).send().await
    }

    /// Replaces the metadata, all of it. The server doesn't notice if somebody else changed it in between.
    pub async fn set_metadata(&self, metadata: types::InstanceMetadata) -> Result<(), Error> {
        self.incus.raw().instance_metadata_put().name(self.name()).body(metadata).send().await
    }

    /// Sets one of the metadata's properties, and leaves the rest alone.
    pub async fn set_metadata_property(&self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        let change = types::InstanceMetadataPatch {
            properties: Some([(key.to_owned(), value.into())].into()),
            ..Default::default()
        };
        self.incus.raw().instance_metadata_patch().name(self.name()).body(change).send().await
    }

    /// Who may do what with the instance.
    ///
    /// Incus 7.0 lists the trusted certificates as well. Empty on 6.0 without fine-grained authorization, and for an
    /// instance that isn't there.
    pub fn access(&self) -> Query<types::AccessEntry> {
        let instance = self.reference();
        Query::one(async move || instance.incus.raw().instance_access().name(instance.name()).send().await)
    }
}
