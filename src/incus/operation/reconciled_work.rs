//! Work without an operation: its result alone shows how it ended.

use std::time::Duration;

use super::completion::Completion;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::incus::Incus;
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Look, Operation, Work};

/// Work that has ended by the time that it is looked for.
pub(in crate::incus) struct ReconciledWork<E> {
    incus: Incus,
    ending: E,
}

impl<E: Completion> ReconciledWork<E> {
    /// What stands for the operation's id in a ticket.
    pub(in crate::incus) const ID: &str = "none";

    pub(in crate::incus) fn wait(incus: &Incus, ending: E) -> Operation<E::Output> {
        Operation::new(Self { incus: incus.clone(), ending })
    }
}

impl<E: Completion> Work for ReconciledWork<E> {
    type Output = E::Output;

    fn ticket(&self) -> Ticket {
        self.ending.ticket(Self::ID).at(&self.incus.place())
    }

    fn server(&self) -> &str {
        self.incus.address()
    }

    fn look(&mut self, _: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(async { Ok(Look::Gone) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<E::Output, Error>> {
        Box::pin(async { Err(ended()) })
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<E::Output>, Error>> {
        self.ending.reconcile(&self.incus)
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Err(ended()) })
    }
}

/// The error over an operation that has ended.
pub(in crate::incus) fn ended() -> Error {
    Error::new(ErrorKind::OperationGone, "the operation has ended").with(|e| e.api = "incus")
}
