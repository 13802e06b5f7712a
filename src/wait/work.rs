//! Work on a server, as the waiting loop sees it.

use std::time::Duration;

use super::{BoxFuture, Progress};
use crate::error::Error;
use crate::ticket::Ticket;

/// What the waiting loop needs to know about work. Each API has its own.
pub(crate) trait Work: Send {
    type Output;

    fn ticket(&self) -> Ticket;

    /// The server, for errors.
    fn server(&self) -> &str;

    /// The caller wants progress, so a costlier way to look is worth it.
    fn watch_closely(&mut self) {}

    /// How the work stood when the server accepted it, if the answer told: then the first look may wait for news.
    fn accepted(&mut self) -> Option<Progress> {
        None
    }

    /// How long the server may be unreachable before the wait gives up. It should outlast a restart.
    fn silence(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Looks at the work. A long poll may take up to `patience` if nothing changes. Work that can only be polled
    /// answers at once, and gives the pause in [`Look::Running`].
    fn look(&mut self, patience: Duration) -> BoxFuture<'_, Result<Look, Error>>;

    /// Fetches the result after the work succeeded.
    fn finish(&mut self) -> BoxFuture<'_, Result<Self::Output, Error>>;

    /// Infers the result from the state of the server after it forgot the work.
    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<Self::Output>, Error>>;

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>>;
}

/// What a look found.
#[derive(Debug)]
pub(crate) enum Look {
    /// Still running; look again after `pause`.
    Running {
        progress: Progress,
        pause: Duration,
    },
    Succeeded(Progress),
    Failed(Error),
    Gone,
}
