//! Work that a server does in the background, and the caller's hold on it.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use super::waiting::{Wait, labelled};
use super::{BoxFuture, Progress, WaitError, Work};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::wait::checked::{Check, Checked};

/// Work that the server has accepted and now does.
///
/// `.await` it for its result:
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
/// There is always a limit (ten minutes unless the API says otherwise). Every way to end other than success is a
/// [`WaitError`] with a [`Ticket`]. Dropping it stops the waiting, never the work; see [`cancel`](Self::cancel).
#[must_use = "an operation goes on by itself, but only waiting tells how it ended"]
pub struct Operation<T> {
    pub(super) work: Box<dyn Work<Output = T>>,
    pub(super) limit: Duration,
    /// The limit that somebody set, if some of its time had passed before.
    pub(super) told: Option<Duration>,
    pub(super) progress: Option<Tell>,
}

pub(super) type Tell = Box<dyn FnMut(&Progress) + Send>;

impl<T> Operation<T> {
    pub(crate) const LIMIT: Duration = Duration::from_secs(600);

    pub(crate) fn new(work: impl Work<Output = T> + 'static) -> Self {
        Self { work: Box::new(work), limit: Self::LIMIT, told: None, progress: None }
    }

    /// Nothing is asked of the work before this check passes.
    #[allow(dead_code)] // only Incus has something to check
    pub(crate) fn after(self, check: Check) -> Self
    where
        T: Send + 'static,
    {
        Self { work: Box::new(Checked::new(self.work, check)), ..self }
    }

    /// Calls `tell` at the first look and then whenever something changes.
    pub fn on_progress(mut self, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(tell));
        self
    }

    /// How long to wait at most. The work goes on when it is over.
    ///
    /// An answer that is on its way at that moment gets up to five seconds more.
    pub fn timeout(mut self, limit: Duration) -> Self {
        (self.limit, self.told) = (limit, None);
        self
    }

    /// What is left of a limit that was set for more than this wait.
    #[allow(dead_code)] // not every API has such limits
    pub(crate) fn with_left(self, left: Duration, of: Duration) -> Self {
        Self { told: Some(of), ..self.timeout(left) }
    }

    /// Names the work, so that any process can go on waiting.
    pub fn ticket(&self) -> Ticket {
        self.work.ticket()
    }

    /// Asks the server to stop the work. Many kinds of work can't be stopped: that is an error of
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    pub async fn cancel(mut self) -> Result<(), Error> {
        self.work.cancel().await.map_err(|e| labelled(e, self.work.server(), &self.work.ticket()))
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ticket, limit) = (self.work.ticket(), self.limit);
        f.debug_struct("Operation").field("ticket", &ticket).field("limit", &limit).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for Operation<T> {
    type Output = Result<T, WaitError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(Wait::new(self).run())
    }
}
