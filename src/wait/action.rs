//! Calls that start work.

use std::fmt;
use std::future::{Future, IntoFuture};

use super::{BoxFuture, Operation};
use crate::error::Error;

/// A call that starts work: `.await` it to see the work through, or [`send`](Self::send) it and keep the operation.
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// web.rename("shop").await?;                         // done when this returns
/// let operation = web.delete().send().await?;        // accepted
/// # Ok(()) }
/// ```
///
/// Nothing is sent before either.
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Action<T> {
    send: BoxFuture<'static, Result<Operation<T>, Error>>,
}

impl<T> Action<T> {
    pub(crate) fn new(send: impl Future<Output = Result<Operation<T>, Error>> + Send + 'static) -> Self {
        Self { send: Box::pin(send) }
    }

    /// Sends the request; the operation goes on by itself.
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
        Box::pin(async move { Ok(self.send.await?.await?) })
    }
}
