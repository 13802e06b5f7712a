//! Deleting all instances of a namespace, until each is gone.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::client::ShakenFist;
use super::delete::{WINDOW, is_going};
use super::instance::{Instance, failure};
use super::instances::Instances;
use super::poll::{self, progress};
use super::reconcile;
use super::types::{self, InstanceState};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation};

impl Instances {
    /// Deletes **all** instances of the namespace. Gives the UUIDs of those that existed, once they are gone.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let gone = sf.instances().delete_all().await?;
    /// println!("{} instances deleted", gone.len());
    /// # Ok(()) }
    /// ```
    ///
    /// Waits until each of them is gone. Those that were deleted before aren't among the UUIDs. If the answer is lost,
    /// the instances show whether they are being deleted.
    ///
    /// Of the filters only [`namespace`](Self::namespace) applies, and with the key of the namespace `system` it is
    /// needed. **Naming `system` itself deletes the instances of all namespaces.**
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if another filter is set, those of
    /// [every request](crate::ShakenFist#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn delete_all(self) -> Action<Vec<String>> {
        Action::new(async move {
            let filters = [("state", self.state.is_some()), ("label", !self.labels.is_empty())];
            if let Some((filter, _)) = filters.iter().find(|(_, set)| *set) {
                return Err(Error::invalid(filter, "can't choose what is deleted: all are"));
            }
            let (there, gone) = present_and_gone(&self).await?;
            let request = types::InstancesDelete { confirm: true, namespace: self.namespace };
            let uuids = match self.sf.raw().instances_delete().body(request).send().await {
                // Some servers also name those that were deleted before.
                Ok(uuids) => uuids.0.into_iter().filter(|uuid| !gone.contains(uuid)).collect(),
                Err(e) if reconcile::is_open(&e) && !there.is_empty() => {
                    begun(&self.sf, &there, e).await?;
                    there
                }
                Err(e) => return Err(e),
            };
            Ok(poll::operation(&self.sf, AllDeleted::new(uuids)))
        })
    }
}

/// The UUIDs of the namespace's instances, and of those that are already deleted.
async fn present_and_gone(query: &Instances) -> Result<(Vec<String>, Vec<String>), Error> {
    let namespace = query.namespace.as_deref().unwrap_or(query.sf.namespace());
    let mut all = query.sf.instances().with_deleted();
    // The server takes `system` for all namespaces.
    if namespace != "system" {
        all = all.namespace(namespace);
    }
    let (gone, there): (Vec<_>, Vec<_>) =
        all.await?.into_iter().partition(|it| it.state == InstanceState::Deleted);
    let uuids = |all: Vec<Instance>| all.into_iter().map(|it| it.uuid.clone()).collect();
    Ok((uuids(there), uuids(gone)))
}

/// The answer is lost: is any of them being deleted? Those that were already gone don't count.
async fn begun(sf: &ShakenFist, there: &[String], lost: Error) -> Result<(), Error> {
    tracing::debug!(error = %lost, "the answer to a deletion of all is lost");
    let any = reconcile::search(WINDOW, || async {
        let all = sf.instances().with_deleted().await.ok()?;
        let going = |it: &Instance| there.contains(&it.uuid) && is_going(&it.state);
        all.iter().any(going).then_some(())
    });
    any.await.ok_or(lost)
}

/// Several instances are gone.
struct AllDeleted {
    uuids: Vec<String>,
    left: BTreeSet<String>,
    /// One whose deletion failed.
    stuck: Option<types::Instance>,
}

impl AllDeleted {
    fn new(uuids: Vec<String>) -> Self {
        let left = uuids.iter().cloned().collect();
        Self { uuids, left, stuck: None }
    }

    /// Removes those that are gone from `left`. A list misses an instance that is changing its state, so one that isn't
    /// in the list is asked for.
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

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Vec<String>>> {
    let uuids = ticket.fact("uuids").filter(|_| ticket.kind == "delete-all")?;
    let uuids = uuids.split(',').filter(|uuid| !uuid.is_empty()).map(str::to_owned).collect();
    Some(poll::operation(sf, AllDeleted::new(uuids)))
}
