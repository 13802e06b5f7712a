//! Resuming a wait by its ticket.

use super::client::LambdaCloud;
use super::instance::Instance;
use super::{launched, restart, terminate};
use crate::client::Client;
use crate::error::Error;
use crate::ticket::Ticket;
use crate::wait::Operation;

impl LambdaCloud {
    /// Continues a wait by its ticket.
    ///
    /// ```no_run
    /// # use windlass::lambda_cloud::{Instance, LambdaCloud};
    /// # async fn demo(lambda: LambdaCloud, saved: String) -> windlass::Result<()> {
    /// let gpu = lambda.resume::<Instance>(&saved.parse()?)?.await?;
    /// # let _ = gpu; Ok(()) }
    /// ```
    ///
    /// The type must be the one that the operation had when the ticket was taken: [`Instance`] for a launch, `()` for a
    /// restart and a termination. The ticket of a launch whose outcome is unknown looks for the instance for another
    /// ten minutes.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the ticket is for another type or of another key; see
    /// [`Ticket`].
    pub fn resume<T: Resume>(&self, ticket: &Ticket) -> Result<Operation<T>, Error> {
        ticket.check(&self.place())?;
        T::resume(self, ticket).ok_or_else(|| {
            Error::invalid("ticket", format!("a {} doesn't end in such a result", ticket.kind))
        })
    }
}

/// A result that a wait can be resumed for.
pub trait Resume: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn resume(lambda: &LambdaCloud, ticket: &Ticket) -> Option<Operation<Self>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for super::Instance {}
}

impl Resume for Instance {
    fn resume(lambda: &LambdaCloud, ticket: &Ticket) -> Option<Operation<Self>> {
        launched::resume(lambda, ticket)
    }
}

impl Resume for () {
    fn resume(lambda: &LambdaCloud, ticket: &Ticket) -> Option<Operation<Self>> {
        terminate::resume(lambda, ticket).or_else(|| restart::resume(lambda, ticket))
    }
}
