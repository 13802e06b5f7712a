//! Calls that start work.

use std::fmt;
use std::future::{Future, IntoFuture};

use super::{BoxFuture, Operation};
use crate::error::Error;

/// A call that starts work on the server. `.await` it to wait for the result, or [`send`](Self::send) it and keep the
/// operation.
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// web.rename("shop").await?;                         // done when this returns
/// let operation = web.delete().send().await?;        // accepted
/// # Ok(()) }
/// ```
///
/// Nothing is sent before `.await` or `send`. A failed call is an [`Error`] either way; a failed wait keeps its
/// [ticket](Error::ticket).
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Action<T> {
    send: BoxFuture<'static, Result<Operation<T>, Error>>,
}

impl<T> Action<T> {
    pub(crate) fn new(send: impl Future<Output = Result<Operation<T>, Error>> + Send + 'static) -> Self {
        Self { send: Box::pin(send) }
    }

    /// Sends the request, and returns once the server has accepted it.
    ///
    /// # Errors
    ///
    /// The error of the request, for example [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`Conflict`](crate::ErrorKind::Conflict); see [`ErrorKind`](crate::ErrorKind).
    pub async fn send(self) -> Result<Operation<T>, Error> {
        self.send.await
    }
}

impl<T> fmt::Debug for Action<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for Action<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        // What sends is dropped before the wait: many may wait for a long time.
        Box::pin(async move { Ok(self.send.await?.await?) })
    }
}
