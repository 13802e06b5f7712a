//! Work on a server, and the caller's handle to it.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use super::waiting::{Terms, Wait, labelled};
use super::{BoxFuture, Progress, WaitError, Work};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::wait::checked::{Check, Checked};

/// Work that the server has accepted.
///
/// `.await` it for the result:
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
/// let operation = incus.launch("web").image("images:debian/13").send().await?;
/// let web = operation
///     .on_progress(|p| eprintln!("{p}"))
///     .timeout(Duration::from_secs(300))
///     .await?;
/// # Ok(()) }
/// ```
///
/// A wait always has a limit: ten minutes, unless the API's documentation gives another. If it ends without the result,
/// the error is a [`WaitError`] with a [`Ticket`]: its [`end`](WaitError::end) tells whether the work failed, the limit
/// was reached, or contact was lost. Dropping the operation stops the wait, not the work; see [`cancel`](Self::cancel).
#[must_use = "the work continues by itself, but only waiting tells how it ended"]
pub struct Operation<T>(Terms<T>);

impl<T> Operation<T> {
    pub(crate) const LIMIT: Duration = Duration::from_secs(600);

    pub(crate) fn new(work: impl Work<Output = T> + 'static) -> Self {
        Self(Terms { work: Box::new(work), begun: true, limit: Self::LIMIT, told: None, progress: None })
    }

    /// Only waits: no call began the work.
    pub(super) fn not_begun(self) -> Self {
        Self(Terms { begun: false, ..self.0 })
    }

    /// Runs a check before anything is asked of the work.
    #[allow(dead_code)] // only Incus has something to check
    pub(crate) fn after(self, check: Check) -> Self
    where
        T: Send + 'static,
    {
        Self(Terms { work: Box::new(Checked::new(self.0.work, check)), ..self.0 })
    }

    /// Calls `tell` once at the start, and then whenever the progress changes.
    pub fn on_progress(mut self, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.0.progress = Some(Box::new(tell));
        self
    }

    /// Limits the wait. When the limit is reached, the work continues.
    ///
    /// An answer that is already on its way gets up to five seconds more.
    pub fn timeout(mut self, limit: Duration) -> Self {
        (self.0.limit, self.0.told) = (limit, None);
        self
    }

    /// Limits the wait to the rest of a limit that covers more than this wait.
    #[allow(dead_code)] // not every API has such limits
    pub(crate) fn with_left(self, left: Duration, of: Duration) -> Self {
        Self(Terms { told: Some(of), ..self.timeout(left).0 })
    }

    /// A ticket with which any process can resume the wait.
    pub fn ticket(&self) -> Ticket {
        self.0.work.ticket()
    }

    /// Asks the server to stop the work.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the work can't be cancelled, which is common.
    pub async fn cancel(mut self) -> Result<(), Error> {
        self.0.work.cancel().await.map_err(|e| labelled(e, self.0.work.server(), &self.0.work.ticket()))
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ticket, limit) = (self.0.work.ticket(), self.0.limit);
        f.debug_struct("Operation").field("ticket", &ticket).field("limit", &limit).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for Operation<T> {
    type Output = Result<T, WaitError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let mut wait = Wait::new(self.0);
        Box::pin(async move { wait.run().await })
    }
}
