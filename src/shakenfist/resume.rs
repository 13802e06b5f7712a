//! Resuming a wait by its ticket.

use super::{AgentOperation, Instance, Network, ShakenFist, Snapshot};
use super::{agent, agent_operation, delete, exec, launch, network, push, reboot, snapshot};
use crate::client::Client;
use crate::error::Error;
use crate::stream::process::Output;
use crate::ticket::Ticket;
use crate::wait::Operation;

impl ShakenFist {
    /// Goes on waiting for what a ticket names.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{Instance, ShakenFist};
    /// # async fn demo(sf: ShakenFist, saved: String) -> windlass::Result<()> {
    /// let web = sf.resume::<Instance>(&saved.parse()?)?.await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The type must be the one that the operation had when the ticket was taken: [`Instance`] for create, reboot and
    /// the agent, [`Output`] for a command, `()` for delete, `Vec<Snapshot>` for snapshots, and so on; anything else is an
    /// error of [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput). So is a ticket of another cluster or namespace; see
    /// [`Ticket`].
    pub fn resume<T: Resume>(&self, ticket: &Ticket) -> Result<Operation<T>, Error> {
        ticket.check(&self.place())?;
        T::resume(self, ticket).ok_or_else(|| {
            Error::invalid("ticket", format!("a {} doesn't end in such a result", ticket.kind))
        })
    }
}

/// What a wait can be resumed into.
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
            .or_else(|| push::resume(sf, ticket))
            .or_else(|| reboot::resume(sf, ticket))
            .or_else(|| network::resume_gone(sf, ticket))
    }
}

impl Resume for Vec<String> {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        delete::resume_all(sf, ticket)
    }
}

impl Resume for Vec<Snapshot> {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        snapshot::resume(sf, ticket)
    }
}

impl Resume for Output {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        exec::resume(sf, ticket)
    }
}

impl Resume for Instance {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        launch::resume(sf, ticket).or_else(|| agent::resume(sf, ticket))
    }
}

impl Resume for Network {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        network::resume(sf, ticket)
    }
}

impl Resume for AgentOperation {
    fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Self>> {
        agent_operation::resume(sf, ticket)
    }
}
