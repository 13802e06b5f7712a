//! An artifact: what is known of it together with a handle on it.

use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::types;
use crate::stream::query::Query;
use crate::transport::checked;

identified! { types::Artifact: uuid; }

handle! {
    /// An artifact: typed data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/artifacts/>
    Artifact<types::Artifact> of sf: ShakenFist;
    /// A handle on an artifact of which only the UUID or the name is known.
    ArtifactRef
}

impl ShakenFist {
    /// The artifacts that the namespace can see.
    pub fn artifacts(&self) -> Query<Artifact> {
        let sf = self.clone();
        Query::one(async move {
            let items = sf.raw().artifacts_list().send().await?.0.into_iter();
            Ok(items.map(|data| Artifact::new(&sf, data)).collect())
        })
    }

    /// A handle on an artifact, by its UUID or name. Sends nothing.
    pub fn artifact(&self, reference: impl Into<String>) -> ArtifactRef {
        Artifact::new(self, Id::new(reference))
    }
}

impl<D: Identified> Artifact<D> {
    /// The UUID, or the name if that is all that is known.
    pub fn id(&self) -> &str {
        self.identity()
    }

    /// Reads the artifact.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every
    /// request](crate::ShakenFist#errors).
    pub async fn get(&self) -> Result<Artifact, Error> {
        let reference = checked("artifact", self.id())?;
        let data = self.sf.raw().artifact_get().artifact_ref(reference).send().await?;
        Ok(Artifact::new(&self.sf, data))
    }

    /// Deletes the artifact. Its blobs are removed when nothing else uses them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every
    /// request](crate::ShakenFist#errors).
    pub async fn delete(&self) -> Result<(), Error> {
        let reference = checked("artifact", self.id())?;
        self.sf.raw().artifact_delete().artifact_ref(reference).send().await.map(drop)
    }
}
