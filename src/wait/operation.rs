//! Work that a server does in the background, and the caller's hold on it.

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
/// let operation = incus.launch("web").image("debian/13").send().await?;
/// let web = operation
///     .on_progress(|p| eprintln!("{p}"))
///     .timeout(Duration::from_secs(300))
///     .await?;
/// # Ok(()) }
/// ```
///
/// A wait is always limited: to ten minutes, or what the API's documentation says. If it ends without success, the error
/// is a [`WaitError`] with a [`Ticket`]. Dropping the operation stops the wait, not the work; see [`cancel`](Self::cancel).
#[must_use = "an operation goes on by itself, but only waiting tells how it ended"]
pub struct Operation<T>(Terms<T>);

impl<T> Operation<T> {
    pub(crate) const LIMIT: Duration = Duration::from_secs(600);

    pub(crate) fn new(work: impl Work<Output = T> + 'static) -> Self {
        Self(Terms { work: Box::new(work), limit: Self::LIMIT, told: None, progress: None })
    }

    /// Nothing is asked of the work before this check passes.
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

    /// Limits the wait. The work goes on when the time is up.
    ///
    /// An answer that is already on its way gets up to five seconds more.
    pub fn timeout(mut self, limit: Duration) -> Self {
        (self.0.limit, self.0.told) = (limit, None);
        self
    }

    /// What is left of a limit that was set for more than this wait.
    #[allow(dead_code)] // not every API has such limits
    pub(crate) fn with_left(self, left: Duration, of: Duration) -> Self {
        Self(Terms { told: Some(of), ..self.timeout(left).0 })
    }

    /// A ticket with which any process can go on waiting.
    pub fn ticket(&self) -> Ticket {
        self.0.work.ticket()
    }

    /// Asks the server to stop the work.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the work can't be stopped, as is often the case.
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
        Box::pin(Wait::new(self.0).run())
    }
}
