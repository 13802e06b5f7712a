//! Work that a server does, as the waiting loop sees it.

use std::time::Duration;

use super::{BoxFuture, Progress};
use crate::error::Error;
use crate::ticket::Ticket;

/// What the loop needs to know of a piece of work. Each API has its own.
pub(crate) trait Work: Send {
    type Output;

    fn ticket(&self) -> Ticket;

    /// Where the server is, for errors.
    fn server(&self) -> &str;

    /// Somebody wants to hear of progress: worth a costlier way to look.
    fn watch_closely(&mut self) {}

    /// How long the server may be out of reach before the wait gives up: a restart must fit in.
    fn silence(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Looks at the work. May take up to `patience` to answer if nothing changes before: a long poll. Work that can
    /// only be polled answers at once and says so with [`Look::Running`]'s pause.
    fn look(&mut self, patience: Duration) -> BoxFuture<'_, Result<Look, Error>>;

    /// Fetches the result of work that succeeded.
    fn finish(&mut self) -> BoxFuture<'_, Result<Self::Output, Error>>;

    /// The server no longer knows the work: what the world looks like may still tell how it ended.
    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<Self::Output>, Error>>;

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>>;
}

/// What a look shows.
#[derive(Debug)]
pub(crate) enum Look {
    /// Not at its end; look again after `pause`.
    Running {
        progress: Progress,
        pause: Duration,
    },
    Succeeded(Progress),
    Failed(Error),
    Gone,
}
