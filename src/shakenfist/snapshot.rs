//! Snapshots of an instance's disks, each a version of an artifact.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::time::Duration;

use super::artifact::ArtifactRef;
use super::blob::BlobRef;
use super::client::ShakenFist;
use super::deadline::Deadline;
use super::instance::{Instance, InstanceRef};
use super::poll::{self, progress};
use super::{reconcile, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::stream::query::Query;
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, into_future};

/// A snapshot of a disk.
///
/// It is one version of an artifact: `uuid` is the artifact's, `blob_uuid` names the bytes. It has no id of its own, so
/// there is no handle on a single one. A new instance can start from it:
/// `Disk::from_base(format!("sf://blob/{}", snapshot.blob_uuid))`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    sf: ShakenFist,
    data: types::Snapshot,
}

impl Deref for Snapshot {
    type Target = types::Snapshot;

    fn deref(&self) -> &types::Snapshot {
        &self.data
    }
}

impl Snapshot {
    /// The disk that it is of, for example `vda`.
    pub fn device(&self) -> Option<&str> {
        self.source_url.as_deref()?.rsplit('/').next()
    }

    /// A handle on its blob, whose [`data`](super::Blob::data) is the disk. Sends nothing.
    pub fn blob(&self) -> BlobRef {
        self.sf.blob(&self.blob_uuid)
    }

    /// A handle on the artifact that it is a version of. Sends nothing.
    ///
    /// Deleting the artifact deletes all versions. A single version can't be deleted.
    pub fn artifact(&self) -> ArtifactRef {
        self.sf.artifact(&self.uuid)
    }

    /// The data alone.
    pub fn into_data(self) -> types::Snapshot {
        self.data
    }
}

impl<D: Identified> Instance<D> {
    /// The instance's snapshots, of all disks and versions.
    pub fn snapshots(&self) -> Query<Snapshot> {
        let instance = self.reference();
        Query::one(async move { list(&instance).await })
    }

    /// Takes a snapshot of the first disk, or of others. Done when it exists.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::Instance;
    /// # async fn demo(web: Instance) -> windlass::Result<()> {
    /// for snapshot in web.create_snapshot().all_disks().await? {
    ///     println!("{:?}: {:?} bytes", snapshot.device(), snapshot.size);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// The instance keeps running: what it is just writing may or may not be in the snapshot.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the instance has no such disk,
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the answer is lost, those of
    /// [every request](crate::ShakenFist#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    #[doc(alias = "snapshot")]
    pub fn create_snapshot(&self) -> CreateSnapshot {
        let request = types::SnapshotRequest::default();
        CreateSnapshot { instance: self.reference(), request, limit: Duration::from_secs(3_600) }
    }
}

async fn list(instance: &InstanceRef) -> Result<Vec<Snapshot>, Error> {
    let all = instance.sf.raw().instance_snapshots().instance_ref(instance.segment()?).send().await?;
    Ok(all.0.into_iter().map(|data| Snapshot { sf: instance.sf.clone(), data }).collect())
}

/// Snapshots to be taken; from [`Instance::create_snapshot`]. `.await` it for the snapshots, or [`send`](Self::send) it
/// and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct CreateSnapshot {
    instance: InstanceRef,
    request: types::SnapshotRequest,
    limit: Duration,
}

impl CreateSnapshot {
    /// Of all disks, and of the UEFI variables.
    pub fn all_disks(mut self) -> Self {
        (self.request.all, self.request.device) = (Some(true), None);
        self
    }

    /// Of this disk, for example `vdb`.
    pub fn device(mut self, name: impl Into<String>) -> Self {
        (self.request.all, self.request.device) = (None, Some(name.into()));
        self
    }

    /// From now on, keeps this many versions of each disk's snapshots. The oldest are removed. The default is the
    /// server's.
    pub fn max_versions(mut self, count: u32) -> Self {
        self.request.max_versions = Some(i64::from(count));
        self
    }

    /// Stores only what differs from the image that the disk was made from.
    pub fn thin(mut self) -> Self {
        self.request.thin = Some(true);
        self
    }

    /// How long all of it may take, including the wait for the instance to become `created` (default: an hour).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends the request. The snapshots are then taken in the background.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::create_snapshot`], without those of the wait.
    pub async fn send(self) -> Result<Operation<Vec<Snapshot>>, Error> {
        self.instance.label("instance_snapshot").watch(self.sent()).await
    }

    async fn sent(&self) -> Result<Operation<Vec<Snapshot>>, Error> {
        let (deadline, instance) = (Deadline::after(self.limit), &self.instance);
        let (raw, reference, request) = (instance.sf.raw(), instance.segment()?, &self.request);
        let call = || raw.instance_snapshot().instance_ref(reference).body(request.clone()).send();
        let begun = match deadline.until_ready(call).await {
            Err(e) if reconcile::is_open(&e) => {
                let reference = instance.id();
                let message = format!("snapshots of {reference:?} may or may not be taken: {}", e.message());
                return Err(Error::uncertain(message, e));
            }
            begun => begun?,
        };
        let blobs: BTreeSet<String> = begun.0.into_values().map(|begun| begun.blob_uuid).collect();
        if blobs.is_empty() {
            let what = request.device.as_deref().unwrap_or("a disk");
            let message = format!("{:?} has no {what} that can be captured", instance.id());
            return Err(Error::new(ErrorKind::NotFound, message).with(|e| e.sent = Sent::Yes));
        }
        let goal = Taken { instance: instance.id().to_owned(), blobs };
        Ok(poll::operation(&instance.sf, goal).timeout(deadline.left()))
    }
}

into_future!(CreateSnapshot => Vec<Snapshot>: send);

/// There are snapshots with these blobs.
struct Taken {
    instance: String,
    blobs: BTreeSet<String>,
}

impl Goal<ShakenFist> for Taken {
    type Output = Vec<Snapshot>;

    fn ticket(&self) -> Ticket {
        let blobs: Vec<&str> = self.blobs.iter().map(String::as_str).collect();
        Ticket::new("shakenfist", "snapshot", &self.instance).with("blobs", &blobs.join(","))
    }

    fn look<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        _: bool,
    ) -> BoxFuture<'a, Result<Seen<Vec<Snapshot>>, Error>> {
        Box::pin(async move {
            let all = match list(&sf.instance(&self.instance)).await {
                Ok(all) => all,
                Err(e) if e.is_not_found() => return Ok(Seen::Gone),
                Err(e) => return Err(e),
            };
            let taken: Vec<Snapshot> =
                all.into_iter().filter(|it| self.blobs.contains(&it.blob_uuid)).collect();
            let seen = progress(format!("{} of {} taken", taken.len(), self.blobs.len()), "snapshot");
            let done = taken.len() >= self.blobs.len();
            Ok(if done { Seen::Reached(seen, taken) } else { Seen::Pending(seen) })
        })
    }
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Vec<Snapshot>>> {
    let blobs = ticket.fact("blobs").filter(|_| ticket.kind == "snapshot")?;
    let blobs = blobs.split(',').filter(|blob| !blob.is_empty()).map(str::to_owned).collect();
    Some(poll::operation(sf, Taken { instance: ticket.id.clone(), blobs }))
}
