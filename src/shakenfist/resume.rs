//! Resuming a wait by its ticket.

use super::agent::{self, AgentOperation};
use super::client::ShakenFist;
use super::instance::Instance;
use super::network::{self, Network};
use super::snapshot::{self, Snapshot};
use super::{delete, delete_all, launch, reboot};
use crate::client::Client;
use crate::error::Error;
use crate::stream::process::Output;
use crate::ticket::Ticket;
use crate::wait::Operation;

impl ShakenFist {
    /// Continues a wait that a ticket names. Sends nothing itself.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{Instance, ShakenFist};
    /// # async fn demo(sf: ShakenFist, saved: String) -> windlass::Result<()> {
    /// let web = sf.resume::<Instance>(&saved.parse()?)?.await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The type must be the one that the wait had when the ticket was taken: [`Instance`] for a launch or the agent,
    /// [`Output`] for a command, `()` for a delete, a reboot or a push, `Vec<Snapshot>` for snapshots,
    /// [`AgentOperation`], [`Network`], and `Vec<String>` for [`delete_all`](super::Instances::delete_all).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the ticket is for another type, or of another cluster or
    /// namespace; see [`Ticket`].
    pub fn resume<T: Resume>(&self, ticket: &Ticket) -> Result<Operation<T>, Error> {
        ticket.check(&self.place())?;
        T::resume(self, ticket).ok_or_else(|| {
            Error::invalid("ticket", format!("a {} doesn't end in such a result", ticket.kind))
        })
    }
}

/// The result of a wait that can be resumed; see [`ShakenFist::resume`].
pub trait Resume: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for Vec<String> {}
    impl Sealed for Vec<super::Snapshot> {}
    impl Sealed for super::Output {}
    impl Sealed for super::Instance {}
    impl Sealed for super::Network {}
    impl Sealed for super::AgentOperation {}
}

impl Resume for () {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        delete::resume(sf, ticket)
            .or_else(|| agent::resume_put(sf, ticket))
            .or_else(|| reboot::resume(sf, ticket))
            .or_else(|| network::resume_delete(sf, ticket))
    }
}

impl Resume for Vec<String> {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        delete_all::resume(sf, ticket)
    }
}

impl Resume for Vec<Snapshot> {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        snapshot::resume(sf, ticket)
    }
}

impl Resume for Output {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        agent::resume_exec(sf, ticket)
    }
}

impl Resume for Instance {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        launch::resume(sf, ticket).or_else(|| agent::resume_ready(sf, ticket))
    }
}

impl Resume for Network {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        network::resume_create(sf, ticket)
    }
}

impl Resume for AgentOperation {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        agent::resume_operation(sf, ticket)
    }
}
