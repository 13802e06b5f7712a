//! Deleting an instance, until it is gone.

use std::time::Duration;

use super::client::ShakenFist;
use super::instance::{Instance, InstanceRef, failure, is_failed, is_uuid};
use super::poll::{self, progress};
use super::reconcile;
use super::types::{self, InstanceState};
use crate::error::Error;
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation};

impl<D: Identified> Instance<D> {
    /// Deletes the instance, running or not. Done when it is gone.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.delete().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A static address stays reserved for another 300 seconds. If the server fails while it tears the instance down,
    /// the instance can stay in `delete-wait`: then the wait runs out of time.
    ///
    /// A name is looked up first, and the instance deleted by its UUID. If the answer is lost, or comes from a gateway,
    /// the instance itself shows whether it is being deleted. The request isn't sent again.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, those of [every request](crate::ShakenFist#errors),
    /// and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn delete(&self) -> Action<()> {
        begin(self.reference(), types::InstanceDelete { namespace: None })
    }

    /// Like [`delete`](Self::delete), but only if the instance is in this namespace, for the key of the namespace
    /// `system`, which sees all.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if it is in another namespace, and those of [`delete`](Self::delete).
    pub fn delete_in(&self, namespace: impl Into<String>) -> Action<()> {
        begin(self.reference(), types::InstanceDelete { namespace: Some(namespace.into()) })
    }
}

fn begin(instance: InstanceRef, request: types::InstanceDelete) -> Action<()> {
    Action::new(async move {
        instance.segment()?;
        // A deleted instance isn't found by its name: a lost answer would stay lost.
        let instance = match is_uuid(instance.id()) {
            true => instance,
            false => instance.get().await?.reference(),
        };
        // Without a namespace there is no body.
        let call = instance.sf.raw().instance_delete().instance_ref(instance.segment()?).body(request);
        let uuid = match call.send().await {
            Ok(data) => data.uuid,
            Err(e) if reconcile::is_open(&e) => begun(&instance, e).await?,
            Err(e) => return Err(e),
        };
        Ok(poll::operation(&instance.sf, Deleted { uuid }))
    })
}

/// How long to look whether a deletion has begun.
pub(super) const WINDOW: Duration = Duration::from_secs(10);

/// The answer is lost: has the deletion begun?
async fn begun(instance: &InstanceRef, lost: Error) -> Result<String, Error> {
    tracing::debug!(error = %lost, "the answer to a delete is lost");
    let found = reconcile::search(WINDOW, || async {
        match instance.get().await {
            Ok(now) if is_going(&now.state) => Some(Ok(now.uuid.clone())),
            Ok(_) => None,
            // A deleted one is still found by its UUID, so there never was one.
            Err(e) if e.is_not_found() => Some(Err(e)),
            Err(e) => {
                tracing::debug!(error = %e, "can't look at the instance that is to be deleted");
                None
            }
        }
    });
    match found.await {
        Some(found) => found,
        None => Err(lost.with(|e| {
            let so = format!("within {WINDOW:?} no deletion of {} began", instance.id());
            e.message = if e.message.is_empty() { so } else { format!("{}; {so}", e.message) };
        })),
    }
}

/// Whether it is being deleted, or gone.
pub(super) fn is_going(state: &InstanceState) -> bool {
    matches!(state, InstanceState::DeleteWait | InstanceState::DeleteWaitError | InstanceState::Deleted)
}

/// One instance is gone.
struct Deleted {
    uuid: String,
}

impl Goal<ShakenFist> for Deleted {
    type Output = ();

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "delete", &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async move {
            let now = match sf.instance(&self.uuid).get().await {
                Ok(now) => now.into_data(),
                Err(e) if e.is_not_found() => return Ok(Seen::Reached(progress("deleted", "delete"), ())),
                Err(e) => return Err(e),
            };
            let seen = progress(&now.state, "delete");
            // One in `error` is being deleted too, unless the deletion failed.
            Ok(match now.state {
                InstanceState::Deleted => Seen::Reached(seen, ()),
                InstanceState::DeleteWaitError => Seen::Failed(failure(&now)),
                _ => Seen::Pending(seen),
            })
        })
    }
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    (ticket.kind == "delete").then(|| poll::operation(sf, Deleted { uuid: ticket.id.clone() }))
}

/// Removes the record of an instance that failed, without waiting for it.
pub(super) async fn remove_record(sf: &ShakenFist, record: &types::Instance) -> Result<(), Error> {
    debug_assert!(is_failed(&record.state));
    let reference = checked("instance", &record.uuid)?;
    match sf.raw().instance_delete().instance_ref(reference).send().await {
        Ok(_) => Ok(()),
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e),
    }
}
