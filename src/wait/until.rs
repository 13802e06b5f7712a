//! Waiting for a condition.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use crate::ticket::Ticket;
use crate::wait::checked::Check;
use crate::wait::{BoxFuture, Operation, Progress, WaitError, Work};

/// A wait for a condition. `.await` it for the thing that meets the condition.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// let address = web
///     .until_address(windlass::incus::AddressKind::Ipv4)
///     .on_progress(|p| eprintln!("{p}"))
///     .timeout(Duration::from_secs(60))
///     .await?;
/// # Ok(()) }
/// ```
///
/// A wait always has a limit: ten minutes by default. If it ends without success, the error is a [`WaitError`]: its
/// [`end`](WaitError::end) is [`WaitEnd::Failed`](crate::WaitEnd::Failed) if the condition can no longer become true,
/// and [`WaitEnd::Gone`](crate::WaitEnd::Gone) if the thing is gone. Nothing is sent before `.await`. Dropping it
/// changes nothing on the server.
#[must_use = "nothing is sent before `.await`"]
pub struct Until<T>(Operation<T>);

impl<T> Until<T> {
    pub(crate) fn new(work: impl Work<Output = T> + 'static) -> Self {
        Self(Operation::new(work).not_begun())
    }

    /// Runs a check before anything else.
    #[allow(dead_code)] // only Incus has something to check
    pub(crate) fn after(self, check: Check) -> Self
    where
        T: Send + 'static,
    {
        Self(self.0.after(check))
    }

    /// Calls `tell` once at the start, and then whenever the progress changes.
    pub fn on_progress(self, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        Self(self.0.on_progress(tell))
    }

    /// Limits the wait.
    ///
    /// An answer that is already on its way gets up to five seconds more.
    pub fn timeout(self, limit: Duration) -> Self {
        Self(self.0.timeout(limit))
    }

    /// A ticket with which any process can resume the wait. A wait for a custom condition can't be resumed.
    pub fn ticket(&self) -> Ticket {
        self.0.ticket()
    }
}

impl<T> fmt::Debug for Until<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until").field("ticket", &self.0.ticket()).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for Until<T> {
    type Output = Result<T, WaitError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.into_future()
    }
}
