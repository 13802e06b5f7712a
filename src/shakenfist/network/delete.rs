//! Deleting a network, until it is gone.

use std::time::Duration;

use super::handle::{Network, failed};
use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::instance::is_uuid;
use crate::shakenfist::poll::{self, progress};
use crate::shakenfist::reconcile;
use crate::shakenfist::types::{self, ObjectState};
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation};

impl<D: Identified> Network<D> {
    /// Deletes the network. Done when it is gone. Servers do that also while instances use it.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// sf.network("front").delete().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A name is looked up first, and the network deleted by its UUID.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, those of [every request](crate::ShakenFist#errors),
    /// and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn delete(&self) -> Action<()> {
        let network = self.reference();
        Action::new(async move {
            let sf = &network.sf;
            // A deleted network isn't found by its name.
            let uuid = match is_uuid(network.id()) {
                true => network.id().to_owned(),
                false => network.get().await?.uuid.clone(),
            };
            let reference = checked("network", &uuid)?;
            let request = types::NetworkDelete { namespace: None };
            match sf.raw().network_delete().network_ref(reference).body(request).send().await {
                Ok(_) => {}
                Err(e) if reconcile::is_open(&e) => begun(sf, &uuid, e).await?,
                Err(e) => return Err(e),
            }
            Ok(poll::operation(sf, NetworkGone { uuid }))
        })
    }
}

/// The answer is lost: is the network being deleted?
async fn begun(sf: &ShakenFist, uuid: &str, lost: Error) -> Result<(), Error> {
    const WINDOW: Duration = Duration::from_secs(10);
    let going = reconcile::search(WINDOW, || async {
        match sf.network(uuid).get().await {
            Ok(now) => matches!(now.state, ObjectState::DeleteWait | ObjectState::Deleted).then_some(()),
            Err(e) => e.is_not_found().then_some(()),
        }
    });
    going.await.ok_or(lost)
}

/// A network is gone.
struct NetworkGone {
    uuid: String,
}

impl Goal<ShakenFist> for NetworkGone {
    type Output = ();

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "network-delete", &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async move {
            let now = match sf.network(&self.uuid).get().await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => {
                    return Ok(Seen::Reached(progress("deleted", "delete network"), ()));
                }
                Err(e) => return Err(e),
            };
            let seen = progress(&now.state, "delete network");
            Ok(match &now.state {
                ObjectState::Deleted => Seen::Reached(seen, ()),
                ObjectState::Error => Seen::Failed(failed(&now)),
                _ => Seen::Pending(seen),
            })
        })
    }
}

pub(in crate::shakenfist) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    let uuid = ticket.id.clone();
    (ticket.kind == "network-delete").then(|| poll::operation(sf, NetworkGone { uuid }))
}
