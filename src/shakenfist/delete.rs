//! Deleting instances, until they are gone.

use std::collections::BTreeSet;

use super::instance::{failure, is_failed};
use super::reply::open;
use super::work::{Goal, Polled, Seen, progress};
use super::{Instance, InstanceState, ShakenFist, Subject, types};
use crate::error::{Error, Sent};
use crate::ticket::Ticket;
use crate::wait::{Action, BoxFuture, Operation};

impl<D: Subject> Instance<D> {
    /// Deletes the instance; done when it is gone.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.delete().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// [`Error::is_not_found`] where there is none. A static address stays reserved for another 300 seconds. A tear-down
    /// that breaks can leave the instance in `delete-wait` for ever: then the wait runs out of time.
    pub fn delete(&self) -> Action<()> {
        let instance = self.named();
        Action::new(async move {
            let reference = instance.segment()?;
            let call = instance.sf.call();
            let result = call.instance_delete().instance_ref(reference).send().await;
            let uuid = match open(&call, result).await {
                Ok(data) => data.uuid,
                Err(e) if e.sent() == Sent::Unknown => begun(&instance, e).await?,
                Err(e) => return Err(e),
            };
            Ok(Polled::operation(&instance.sf, Deleted { uuid }))
        })
    }
}

/// The answer is lost: does the server delete it?
async fn begun(instance: &Instance<super::Named>, lost: Error) -> Result<String, Error> {
    match instance.get().await {
        Ok(now) if matches!(now.state, InstanceState::DeleteWait | InstanceState::Deleted) => {
            Ok(now.uuid.clone())
        }
        // By name a deleted one isn't found, nor one that never was.
        _ => Err(lost),
    }
}

/// One instance is gone.
struct Deleted {
    uuid: String,
}

impl Goal for Deleted {
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
            // One in `error` is on its way too, unless it was the deletion that failed.
            Ok(match now.state {
                InstanceState::Deleted => Seen::Reached(seen, ()),
                InstanceState::DeleteWaitError => Seen::Failed(failure(&now)),
                _ => Seen::Going(seen),
            })
        })
    }
}

/// Several instances are gone.
pub(super) struct AllDeleted {
    uuids: Vec<String>,
    left: BTreeSet<String>,
}

impl AllDeleted {
    pub(super) fn new(uuids: Vec<String>) -> Self {
        let left = uuids.iter().cloned().collect();
        Self { uuids, left }
    }
}

impl Goal for AllDeleted {
    type Output = Vec<String>;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "delete-all", "all").with("uuids", &self.uuids.join(","))
    }

    fn look<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        _: bool,
    ) -> BoxFuture<'a, Result<Seen<Vec<String>>, Error>> {
        Box::pin(async move {
            let there: Vec<Instance> = sf.instances().list().all().await?;
            let left =
                |data: &&Instance| self.left.contains(&data.uuid) && data.state != InstanceState::Deleted;
            let there: Vec<&Instance> = there.iter().filter(left).collect();
            if let Some(stuck) = there.iter().find(|data| data.state == InstanceState::DeleteWaitError) {
                return Ok(Seen::Failed(failure(stuck)));
            }
            let seen = progress(format!("{} of {} left", there.len(), self.uuids.len()), "delete all");
            self.left = there.iter().map(|data| data.uuid.clone()).collect();
            Ok(if self.left.is_empty() { Seen::Reached(seen, self.uuids.clone()) } else { Seen::Going(seen) })
        })
    }
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    (ticket.kind == "delete").then(|| Polled::operation(sf, Deleted { uuid: ticket.id.clone() }))
}

pub(super) fn resume_all(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Vec<String>>> {
    let uuids = ticket.fact("uuids").filter(|_| ticket.kind == "delete-all")?;
    let uuids = uuids.split(',').filter(|uuid| !uuid.is_empty()).map(str::to_owned).collect();
    Some(Polled::operation(sf, AllDeleted::new(uuids)))
}

/// Removes the record of an instance that failed; doesn't wait for it.
pub(super) async fn remove_record(sf: &ShakenFist, record: &types::Instance) -> Result<(), Error> {
    debug_assert!(is_failed(&record.state));
    let call = sf.call();
    let reference = super::checked("instance", &record.uuid)?;
    let result = call.instance_delete().instance_ref(reference).send().await;
    match open(&call, result).await {
        Ok(_) => Ok(()),
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e),
    }
}
