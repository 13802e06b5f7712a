//! Resuming a wait by its ticket.

use super::{Deployment, Instance, Koyeb, Service, Snapshot, deployment, instance, scale, service, snapshot};
use crate::client::Client;
use crate::error::Error;
use crate::ticket::Ticket;
use crate::wait::Operation;

impl Koyeb {
    /// Goes on waiting for what a ticket names.
    ///
    /// ```no_run
    /// # use windlass::koyeb::{Deployment, Koyeb};
    /// # async fn demo(koyeb: Koyeb, saved: String) -> windlass::Result<()> {
    /// let deployment = koyeb.resume::<Deployment>(&saved.parse()?)?.await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The type must be the one that the operation had when the ticket was taken: [`Instance`], [`Service`] for pause
    /// and resume, [`Deployment`] for redeploy and cancel, [`Snapshot`], or `()` for scale and delete; anything else is
    /// an error of [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput). So is a ticket of another organization or token; see
    /// [`Ticket`].
    pub fn resume<T: Resume>(&self, ticket: &Ticket) -> Result<Operation<T>, Error> {
        ticket.check(&self.place())?;
        T::resume(self, ticket).ok_or_else(|| {
            Error::invalid("ticket", format!("a wait for a {} doesn't end in such a result", ticket.kind))
        })
    }
}

/// What a wait can be resumed into.
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
        instance::resume(koyeb, ticket)
    }
}

impl Resume for Service {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        service::resume(koyeb, ticket)
    }
}

impl Resume for Deployment {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        deployment::resume(koyeb, ticket)
    }
}

impl Resume for Snapshot {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        snapshot::resume(koyeb, ticket)
    }
}

impl Resume for () {
    fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Self>> {
        scale::resume(koyeb, ticket).or_else(|| snapshot::resume_delete(koyeb, ticket))
    }
}
