//! Lists of snapshots.

use super::client::Koyeb;
use super::offset_pages::{self, Came, Item, Spot};
use super::parameters::{given, push};
use super::snapshot::Snapshot;
use super::types::{InstanceSnapshotStatus, InstanceSnapshotType};
use crate::error::Error;
use crate::stream::list::List;
use crate::wait::into_future;

/// A query for snapshots; from [`Koyeb::snapshots`]. `.await` it for a `Vec`, or read it item by item with
/// [`stream`](Self::stream).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Snapshots {
    koyeb: Koyeb,
    name: Option<String>,
    statuses: Option<Vec<InstanceSnapshotStatus>>,
    kind: Option<InstanceSnapshotType>,
    ids: Option<Vec<String>>,
    page_size: Option<u32>,
}

impl Koyeb {
    /// The snapshots of instances of the organization.
    ///
    /// # Errors
    ///
    /// Those of [every request](Koyeb#errors); [`InvalidInput`](crate::ErrorKind::InvalidInput) if the page size can't be
    /// right.
    pub fn snapshots(&self) -> Snapshots {
        let koyeb = self.clone();
        Snapshots { koyeb, name: None, statuses: None, kind: None, ids: None, page_size: None }
    }
}

impl Snapshots {
    /// Only those of this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only those in this state, or in one of several: repeated calls are ORed.
    pub fn status(mut self, status: InstanceSnapshotStatus) -> Self {
        push(&mut self.statuses, status);
        self
    }

    /// Only those of this type.
    pub fn snapshot_type(mut self, kind: InstanceSnapshotType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only the one of this id, or several: repeated calls are ORed.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        push(&mut self.ids, id.into());
        self
    }

    /// How many are asked for at a time: 1 to 100, and 100 if not set.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = Some(items);
        self
    }

    /// The list as a stream over all pages. The next page is fetched while one is read.
    pub fn stream(self) -> List<Snapshot> {
        let label = self.koyeb.label("list_instance_snapshots", "");
        offset_pages::list(self.page_size, move |spot| {
            let query = self.clone();
            Box::pin(async move { query.page(spot).await })
        })
        .by(label)
    }

    async fn page(self, spot: Spot) -> Result<Came<Snapshot>, Error> {
        let request = given!(self.koyeb.raw().list_instance_snapshots().limit(spot.limit).offset(spot.offset);
            name = self.name,
            statuses = self.statuses,
            type_ = self.kind,
            ids = self.ids.clone(),
        );
        let reply = request.send().await?;
        let items = reply.instance_snapshots.into_iter();
        let items = items.map(|came| Snapshot::new(&self.koyeb, came)).collect();
        Ok(Came { items, count: reply.count, has_next: reply.has_next, ids: self.ids })
    }
}

into_future!(Snapshots => Vec<Snapshot>: |query| query.stream().all().await);

impl Item for Snapshot {
    fn id(&self) -> &str {
        &self.id
    }
}
