//! Snapshots of instances.

use std::future::IntoFuture;

use super::data::SnapshotInfo;
use super::goal::{Goal, Seen, Verdict, operation, progress};
use super::handle::handle;
use super::{
    Instance, InstanceRef, InstanceSnapshotStatus, InstanceSnapshotType, Koyeb, Subject, reply, types,
};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, BoxFuture, Operation};

handle! {
    /// A snapshot of an instance: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::koyeb::Instance) -> windlass::Result<()> {
    /// let snapshot = web.snapshot().name("before").await?;   // can be used when this returns
    /// snapshot.delete().await?;
    /// # Ok(()) }
    /// ```
    Snapshot, SnapshotInfo,
    /// A handle on a snapshot of which only the id is known.
    SnapshotRef,
    /// A handle on a snapshot, without asking the service.
    snapshot
}

impl<D: Subject> Snapshot<D> {
    /// Reads the snapshot. [`Error::is_not_found`] where there is none.
    pub async fn get(&self) -> Result<Snapshot, Error> {
        get(&self.koyeb, self.id()).await
    }

    /// Waits until it can be used; fails as soon as it is broken or deleted.
    pub fn until_available(&self) -> Operation<Snapshot> {
        operation(&self.koyeb, Available(self.id().to_owned()))
    }

    /// Deletes it. Deleted when `.await` returns.
    pub fn delete(&self) -> Action<()> {
        let snapshot = self.by_id();
        Action::new(async move {
            let id = checked("id", snapshot.id())?;
            snapshot.koyeb.raw().delete_instance_snapshot().id(id).send().await?;
            Ok(operation(&snapshot.koyeb, Deleted(snapshot.id().to_owned())))
        })
    }
}

async fn get(koyeb: &Koyeb, id: &str) -> Result<Snapshot, Error> {
    let id = checked("id", id)?;
    let came = koyeb.raw().get_instance_snapshot().id(id).send().await?;
    Ok(Snapshot::new(koyeb, SnapshotInfo::from(came)))
}

/// A snapshot to be taken; from [`Instance::snapshot`].
///
/// `.await` it for the finished snapshot, or [`send`](Self::send) it and keep the operation. The request is never
/// repeated blindly: where its answer is lost, the error is of [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) and
/// the snapshot's name is the marker.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct TakeSnapshot {
    instance: InstanceRef,
    name: Option<String>,
    kind: Option<InstanceSnapshotType>,
}

impl<D: Subject> Instance<D> {
    /// Takes a snapshot of it.
    pub fn snapshot(&self) -> TakeSnapshot {
        TakeSnapshot { instance: self.by_id(), name: None, kind: None }
    }
}

impl TakeSnapshot {
    /// Names it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What it shall hold; the service decides if not set.
    pub fn snapshot_type(mut self, kind: InstanceSnapshotType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sends the request; the rest goes on by itself.
    pub async fn send(self) -> Result<Operation<Snapshot>, Error> {
        let Self { instance, name, kind } = self;
        checked("id", instance.id())?;
        let marker = name.clone();
        let body =
            types::CreateInstanceSnapshotRequest { instance_id: instance.id().to_owned(), name, type_: kind };
        let call = instance.koyeb.raw().create_instance_snapshot().body(body).send();
        let result = call.with_head().await;
        let (came, head) = result.map_err(|e| reply::unclear(e).with(|inner| inner.marker = marker))?;
        let id = SnapshotInfo::from(came).id;
        if id.is_empty() {
            return Err(head.facts().bad_reply("the reply has no id of the snapshot"));
        }
        Ok(operation(&instance.koyeb, Available(id)))
    }
}

impl IntoFuture for TakeSnapshot {
    type Output = Result<Snapshot, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}

/// A snapshot that can be used.
struct Available(String);

impl Goal for Available {
    type Output = Snapshot;

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "snapshot", &self.0).with("until", "available")
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<Seen<Snapshot>, Error>> {
        Box::pin(async {
            use InstanceSnapshotStatus as S;
            let thing = get(koyeb, &self.0).await?;
            let progress = progress("snapshot", &self.0, thing.status.as_str(), &thing.messages);
            let verdict = match thing.status {
                S::InstanceSnapshotStatusAvailable => Verdict::Reached,
                S::InstanceSnapshotStatusError
                | S::InstanceSnapshotStatusDeleting
                | S::InstanceSnapshotStatusDeleted => Verdict::Lost,
                _ => Verdict::Pending,
            };
            Ok(Seen { verdict, progress, thing })
        })
    }
}

/// A snapshot that is no more.
struct Deleted(String);

impl Goal for Deleted {
    type Output = ();

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "snapshot", &self.0).with("until", "deleted")
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async {
            let snapshot = get(koyeb, &self.0).await?;
            let progress = progress("snapshot", &self.0, snapshot.status.as_str(), &snapshot.messages);
            let deleted = snapshot.status == InstanceSnapshotStatus::InstanceSnapshotStatusDeleted;
            Ok(Seen {
                verdict: if deleted { Verdict::Reached } else { Verdict::Pending },
                progress,
                thing: (),
            })
        })
    }

    fn when_gone(&self) -> Option<()> {
        Some(())
    }
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Snapshot>> {
    let wanted = ticket.kind == "snapshot" && ticket.fact("until") == Some("available");
    wanted.then(|| operation(koyeb, Available(ticket.id().to_owned())))
}

pub(super) fn resume_delete(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<()>> {
    let wanted = ticket.kind == "snapshot" && ticket.fact("until") == Some("deleted");
    wanted.then(|| operation(koyeb, Deleted(ticket.id().to_owned())))
}
