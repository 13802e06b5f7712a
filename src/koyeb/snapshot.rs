//! Snapshots of instances.

use super::client::Koyeb;
use super::types;
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::transport::checked;

identified! { types::InstanceSnapshot: id; }

handle! {
    /// A snapshot of an instance: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::koyeb::Instance) -> windlass::Result<()> {
    /// let snapshot = web.create_snapshot().name("before").await?;   // can be used when this returns
    /// snapshot.delete().await?;
    /// # Ok(()) }
    /// ```
    Snapshot<types::InstanceSnapshot> of koyeb: Koyeb;
    /// A handle on a snapshot of which only the id is known.
    SnapshotRef
}

impl Koyeb {
    /// A handle on a snapshot, by its id. Sends nothing.
    pub fn snapshot(&self, id: impl Into<String>) -> SnapshotRef {
        Snapshot::new(self, Id::new(id))
    }
}

impl<D: Identified> Snapshot<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the snapshot.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every request](Koyeb#errors).
    pub async fn get(&self) -> Result<Snapshot, Error> {
        self.get_by(&self.koyeb).await
    }

    /// The same with another way of repeating the request; the result has this handle's own.
    pub(super) async fn get_by(&self, koyeb: &Koyeb) -> Result<Snapshot, Error> {
        let id = checked("id", self.id())?;
        let came = koyeb.raw().get_instance_snapshot().id(id).send().await?;
        Ok(Snapshot::new(&self.koyeb, came))
    }
}
