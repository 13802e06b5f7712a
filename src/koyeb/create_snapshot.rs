//! Taking a snapshot of an instance.

use super::client::Koyeb;
use super::instance::{Instance, InstanceRef};
use super::reply;
use super::snapshot::Snapshot;
use super::snapshot_wait::until_available;
use super::types::{self, InstanceSnapshotType};
use crate::error::Error;
use crate::handle::Identified;
use crate::transport::checked;
use crate::wait::{Operation, into_future};

impl<D: Identified> Instance<D> {
    /// Takes a snapshot of it.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let snapshot = koyeb.instance("2f1c").create_snapshot().name("before").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such instance,
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer is lost: the request is never repeated blindly,
    /// and [`Error::marker`] is the snapshot's name. Those of [every request](Koyeb#errors), and those of the wait
    /// ([`WaitEnd`](crate::WaitEnd)).
    pub fn create_snapshot(&self) -> CreateSnapshot {
        CreateSnapshot { instance: self.reference(), name: None, kind: None }
    }
}

/// Takes a snapshot; from [`Instance::create_snapshot`].
///
/// `.await` it for the finished snapshot, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct CreateSnapshot {
    instance: InstanceRef,
    name: Option<String>,
    kind: Option<InstanceSnapshotType>,
}

impl CreateSnapshot {
    /// With this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What it contains; the service decides if not set.
    pub fn snapshot_type(mut self, kind: InstanceSnapshotType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sends the request; the service then takes the snapshot by itself.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::create_snapshot`], without those of the wait.
    pub async fn send(self) -> Result<Operation<Snapshot>, Error> {
        let Self { instance, name, kind } = self;
        checked("id", instance.id())?;
        let marker = name.clone();
        let body =
            types::CreateInstanceSnapshotRequest { instance_id: instance.id().to_owned(), name, type_: kind };
        let koyeb: &Koyeb = &instance.koyeb;
        let result = koyeb.raw().create_instance_snapshot().body(body).send().with_head().await;
        let (came, head) = result.map_err(|e| reply::unclear(e).with(|inner| inner.marker = marker))?;
        let id = came.id;
        if id.is_empty() {
            return Err(head.facts().bad_reply("the reply has no id of the snapshot"));
        }
        Ok(until_available(koyeb.snapshot(id)))
    }
}

into_future!(CreateSnapshot => Snapshot: send);
