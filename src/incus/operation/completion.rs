//! What an operation's result is made of, once it has ended.

use super::failure;
use crate::error::Error;
use crate::incus::{Incus, types};
use crate::ticket::Ticket;
use crate::wait::BoxFuture;

/// What an operation's result is made of, once it has ended.
pub(in crate::incus) trait Completion: Send + Sync + 'static {
    type Output: Send + 'static;

    /// The ticket of an operation with this ending.
    fn ticket(&self, id: &str) -> Ticket;

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Self::Output, Error>>;

    /// The operation is forgotten: does the world show that it worked?
    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<Self::Output>, Error>>;

    /// Whether an operation that failed has brought its result all the same; else the error.
    fn judge<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(self.confirm(incus, failure(operation)).await) })
    }

    /// Another operation, which is about to bring the result that this failed one didn't.
    fn successor<'a>(
        &'a self,
        _incus: &'a Incus,
        _failed: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Option<types::Operation>, Error>> {
        Box::pin(async { Ok(None) })
    }

    /// Checks a failure that was classified by its text against the world.
    fn confirm<'a>(&'a self, _incus: &'a Incus, e: Error) -> BoxFuture<'a, Error> {
        Box::pin(async { e })
    }
}

/// Nothing comes after it, and nothing but the operation itself shows how it ended.
pub(in crate::incus) struct Plain;

impl Plain {
    pub(in crate::incus) const KIND: &str = "operation";
}

impl Completion for Plain {
    type Output = ();

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", Self::KIND, id)
    }

    fn finish<'a>(&'a self, _: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn reconcile<'a>(&'a self, _: &'a Incus) -> BoxFuture<'a, Result<Option<()>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

/// Ends in the operation itself, for what its metadata tell.
pub(in crate::incus) struct Whole;

impl Completion for Whole {
    type Output = types::Operation;

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", Plain::KIND, id)
    }

    fn finish<'a>(
        &'a self,
        _: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<types::Operation, Error>> {
        Box::pin(async { Ok(operation.clone()) })
    }

    fn reconcile<'a>(&'a self, _: &'a Incus) -> BoxFuture<'a, Result<Option<types::Operation>, Error>> {
        Box::pin(async { Ok(None) })
    }
}
