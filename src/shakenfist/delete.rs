//! Deleting instances, until they are gone.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::instance::{failure, is_failed, is_uuid};
use super::poll::{self, progress};
use super::{Instance, InstanceRef, InstanceState, ShakenFist, lost_answer, types};
use crate::Identified;
use crate::error::Error;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation};

impl<D: Identified> Instance<D> {
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
    ///
    /// A name is looked up first, and its UUID deleted. Where the answer is lost, or a gateway's, the instance itself shows
    /// whether it is being deleted; the request isn't sent again.
    pub fn delete(&self) -> Action<()> {
        begin(self.reference(), types::InstanceDelete { namespace: None })
    }

    /// As [`delete`](Self::delete), but only if the instance is in this namespace; else [`Error::is_not_found`]. For the
    /// key of the namespace `system`, which sees all.
    pub fn delete_in(&self, namespace: impl Into<String>) -> Action<()> {
        begin(self.reference(), types::InstanceDelete { namespace: Some(namespace.into()) })
    }
}

fn begin(instance: InstanceRef, request: types::InstanceDelete) -> Action<()> {
    Action::new(async move {
        instance.segment()?;
        // By name a deleted one isn't found: a lost answer would stay lost.
        let instance = match is_uuid(instance.id()) {
            true => instance,
            false => instance.get().await?.reference(),
        };
        // Without a namespace there is no body.
        let call = instance.sf.raw().instance_delete().instance_ref(instance.segment()?).body(request);
        let uuid = match call.send().await {
            Ok(data) => data.uuid,
            Err(e) if lost_answer::is_open(&e) => begun(&instance, e).await?,
            Err(e) => return Err(e),
        };
        Ok(poll::operation(&instance.sf, Deleted { uuid }))
    })
}

/// How long to look whether a deletion has begun.
const WINDOW: Duration = Duration::from_secs(10);

/// The answer is lost: is the instance on its way down?
async fn begun(instance: &InstanceRef, lost: Error) -> Result<String, Error> {
    tracing::debug!(error = %lost, "the answer to a delete is lost");
    let found = lost_answer::search(WINDOW, || async {
        match instance.get().await {
            Ok(now) if is_going(&now.state) => Some(Ok(now.uuid.clone())),
            Ok(_) => None,
            // By its UUID one that is deleted is still found: there never was one.
            Err(e) if e.is_not_found() => Some(Err(e)),
            Err(e) => {
                tracing::debug!(error = %e, "no look at what is to be deleted");
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

fn is_going(state: &InstanceState) -> bool {
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
            // One in `error` is on its way too, unless it was the deletion that failed.
            Ok(match now.state {
                InstanceState::Deleted => Seen::Reached(seen, ()),
                InstanceState::DeleteWaitError => Seen::Failed(failure(&now)),
                _ => Seen::Pending(seen),
            })
        })
    }
}

/// The answer to the deletion of all is lost: is any of them on its way down? Those that are there no more don't count.
pub(super) async fn all_begun(sf: &ShakenFist, there: &[String], lost: Error) -> Result<(), Error> {
    tracing::debug!(error = %lost, "the answer to a deletion of all is lost");
    let any = lost_answer::search(WINDOW, || async {
        let all = sf.instances().with_deleted().await.ok()?;
        let going = |it: &Instance| there.contains(&it.uuid) && is_going(&it.state);
        all.iter().any(going).then_some(())
    });
    any.await.ok_or(lost)
}

/// Several instances are gone.
pub(super) struct AllDeleted {
    uuids: Vec<String>,
    left: BTreeSet<String>,
    /// One whose deletion failed.
    stuck: Option<types::Instance>,
}

impl AllDeleted {
    pub(super) fn new(uuids: Vec<String>) -> Self {
        let left = uuids.iter().cloned().collect();
        Self { uuids, left, stuck: None }
    }
}

impl Goal<ShakenFist> for AllDeleted {
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
            self.look_at_all(sf).await?;
            let progress =
                || progress(format!("{} of {} left", self.left.len(), self.uuids.len()), "delete all");
            Ok(match &self.stuck {
                Some(stuck) => Seen::Failed(failure(stuck)),
                None if self.left.is_empty() => Seen::Reached(progress(), self.uuids.clone()),
                None => Seen::Pending(progress()),
            })
        })
    }
}

impl AllDeleted {
    /// Strikes out what is gone. A list misses what is changing its state: what isn't in it is asked for by itself.
    async fn look_at_all(&mut self, sf: &ShakenFist) -> Result<(), Error> {
        const AT_ONCE: usize = 8;
        let listed: Vec<Instance> = sf.instances().await?;
        self.stuck =
            listed.iter().find(|it| self.left.contains(&it.uuid) && is_stuck(it)).map(|it| (**it).clone());
        let listed: BTreeSet<&str> = listed.iter().map(|it| it.uuid.as_str()).collect();
        let missing: Vec<String> =
            self.left.iter().filter(|uuid| !listed.contains(uuid.as_str())).cloned().collect();
        let looks = missing.into_iter().map(|uuid| async move {
            let now = sf.instance(&uuid).get().await;
            (uuid, now)
        });
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some((uuid, now)) = looks.next().await {
            match now {
                Ok(now) if is_stuck(&now) => self.stuck = Some(now.into_data()),
                Ok(now) if now.state != InstanceState::Deleted => {}
                Err(e) if !e.is_not_found() => return Err(e),
                _ => drop(self.left.remove(&uuid)),
            }
        }
        Ok(())
    }
}

fn is_stuck(instance: &types::Instance) -> bool {
    instance.state == InstanceState::DeleteWaitError
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    (ticket.kind == "delete").then(|| poll::operation(sf, Deleted { uuid: ticket.id.clone() }))
}

pub(super) fn resume_all(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Vec<String>>> {
    let uuids = ticket.fact("uuids").filter(|_| ticket.kind == "delete-all")?;
    let uuids = uuids.split(',').filter(|uuid| !uuid.is_empty()).map(str::to_owned).collect();
    Some(poll::operation(sf, AllDeleted::new(uuids)))
}

/// Removes the record of an instance that failed; doesn't wait for it.
pub(super) async fn remove_record(sf: &ShakenFist, record: &types::Instance) -> Result<(), Error> {
    debug_assert!(is_failed(&record.state));
    let reference = checked("instance", &record.uuid)?;
    match sf.raw().instance_delete().instance_ref(reference).send().await {
        Ok(_) => Ok(()),
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e),
    }
}
