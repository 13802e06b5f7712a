//! Resuming a wait by its ticket.

use super::client::Koyeb;
use super::deployment::Deployment;
use super::instance::Instance;
use super::service::Service;
use super::snapshot::Snapshot;
use super::{deployment_wait, instance_wait, scale, service_wait, snapshot_wait};
use crate::client::Client;
use crate::error::Error;
use crate::ticket::Ticket;
use crate::wait::Operation;

impl Koyeb {
    /// Continues a wait by its ticket.
    ///
    /// ```no_run
    /// # use windlass::koyeb::{Deployment, Koyeb};
    /// # async fn demo(koyeb: Koyeb, saved: String) -> windlass::Result<()> {
    /// let deployment = koyeb.resume::<Deployment>(&saved.parse()?)?.await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The type must be the one that the wait had when the ticket was taken: [`Instance`], [`Service`], [`Deployment`] or
    /// [`Snapshot`] for `until_…`, [`Deployment`] for redeploy, [`Snapshot`] for a new snapshot, and `()` for scale, pause,
    /// resume, cancel and delete.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the ticket is for another type, or of another organization or
    /// token; see [`Ticket`].
    pub fn resume<T: Resume>(&self, ticket: &Ticket) -> Result<Operation<T>, Error> {
        ticket.check(&self.place())?;
        T::resume(self, ticket).ok_or_else(|| {
            Error::invalid("ticket", format!("a wait for a {} doesn't end in such a result", ticket.kind))
        })
    }
}

/// A result that a wait can be resumed for.
pub trait Resume: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for super::Instance {}
    impl Sealed for super::Service {}
    impl Sealed for super::Deployment {}
    impl Sealed for super::Snapshot {}
}

impl Resume for Instance {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        instance_wait::resume(koyeb, ticket)
    }
}

impl Resume for Service {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        service_wait::resume(koyeb, ticket)
    }
}

impl Resume for Deployment {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        deployment_wait::resume(koyeb, ticket)
    }
}

impl Resume for Snapshot {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        snapshot_wait::resume(koyeb, ticket)
    }
}

impl Resume for () {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        scale::resume(koyeb, ticket)
            .or_else(|| service_wait::resume_change(koyeb, ticket))
            .or_else(|| deployment_wait::resume_cancel(koyeb, ticket))
            .or_else(|| snapshot_wait::resume_delete(koyeb, ticket))
    }
}
