//! Waiting for a snapshot, and deleting it.

use super::client::Koyeb;
use super::snapshot::{Snapshot, SnapshotRef};
use super::types::InstanceSnapshotStatus;
use super::waits::{self, Verdict, progress};
use crate::error::Error;
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation, Progress, Until};

impl<D: Identified> Snapshot<D> {
    /// Waits until it can be used.
    ///
    /// # Errors
    ///
    /// [`WaitEnd::Failed`](crate::WaitEnd::Failed) as soon as it is broken or deleted; otherwise those of [`Until`].
    pub fn until_available(&self) -> Until<Snapshot> {
        waits::until(&self.koyeb, Available(self.reference()))
    }

    /// Deletes it. It is deleted when `.await` returns.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, those of [every request](Koyeb#errors), and those of
    /// the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn delete(&self) -> Action<()> {
        let snapshot = self.reference();
        Action::new(async move {
            let id = checked("id", snapshot.id())?;
            snapshot.koyeb.raw().delete_instance_snapshot().id(id).send().await?;
            Ok(waits::operation(&snapshot.koyeb.clone(), Deleted(snapshot)))
        })
    }
}

/// An operation that ends when the snapshot can be used.
pub(super) fn until_available(snapshot: SnapshotRef) -> Operation<Snapshot> {
    waits::operation(&snapshot.koyeb.clone(), Available(snapshot))
}

fn shown(seen: &Snapshot) -> Progress {
    progress("snapshot", seen.id(), seen.status.as_str(), &seen.messages)
}

/// A snapshot that can be used.
struct Available(SnapshotRef);

impl Goal<Koyeb> for Available {
    type Output = Snapshot;

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "snapshot", self.0.id()).with("until", "available")
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<Snapshot>, Error>> {
        use InstanceSnapshotStatus as S;
        Box::pin(async {
            let seen = self.0.get_by(koyeb).await?;
            let verdict = match seen.status {
                S::InstanceSnapshotStatusAvailable => Verdict::Reached,
                S::InstanceSnapshotStatusError
                | S::InstanceSnapshotStatusDeleting
                | S::InstanceSnapshotStatusDeleted => Verdict::Lost,
                _ => Verdict::Pending,
            };
            Ok(verdict.of(shown(&seen), seen))
        })
    }
}

/// A snapshot that no longer exists.
struct Deleted(SnapshotRef);

impl Goal<Koyeb> for Deleted {
    type Output = ();

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "snapshot", self.0.id()).with("until", "deleted")
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async {
            let seen = self.0.get_by(koyeb).await?;
            let deleted = seen.status == InstanceSnapshotStatus::InstanceSnapshotStatusDeleted;
            let verdict = if deleted { Verdict::Reached } else { Verdict::Pending };
            Ok(verdict.of(shown(&seen), ()))
        })
    }

    fn when_gone(&mut self) -> Result<Option<()>, Error> {
        Ok(Some(()))
    }
}

fn is_until(ticket: &Ticket, state: &str) -> bool {
    ticket.kind == "snapshot" && ticket.fact("until") == Some(state)
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Snapshot>> {
    is_until(ticket, "available").then(|| until_available(koyeb.snapshot(ticket.id())))
}

pub(super) fn resume_delete(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<()>> {
    is_until(ticket, "deleted").then(|| waits::operation(koyeb, Deleted(koyeb.snapshot(ticket.id()))))
}
