//! Work in the background of a cluster, as the waiting loop sees it: it can only be asked again and again.

use std::time::Duration;

use super::ShakenFist;
use super::clock::pauses;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::ticket::Ticket;
use crate::wait::poll_backoff::Pauses;
use crate::wait::{BoxFuture, Look, Operation, Progress, Work};

/// What is waited for.
pub(super) trait Goal: Send + 'static {
    type Output: Send + 'static;

    fn ticket(&self) -> Ticket;

    /// Looks once. `closely` when somebody wants to hear of progress.
    fn look<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        closely: bool,
    ) -> BoxFuture<'a, Result<Seen<Self::Output>, Error>>;

    /// What is left to do once it is reached; not bound by the patience of a look.
    fn finish<'a>(&'a mut self, _: &'a ShakenFist) -> BoxFuture<'a, Result<Option<Self::Output>, Error>> {
        Box::pin(async { Ok(None) })
    }

    fn cancel<'a>(&'a mut self, _: &'a ShakenFist) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(Error::new(ErrorKind::Conflict, "this can't be stopped")) })
    }
}

/// What a look shows.
pub(super) enum Seen<T> {
    Going(Progress),
    Reached(Progress, T),
    /// Reached, but the result is still to be fetched by [`Goal::finish`].
    Ended(Progress),
    Failed(Error),
    Gone,
}

pub(super) struct Polled<G: Goal> {
    sf: ShakenFist,
    goal: G,
    pauses: Pauses,
    closely: bool,
    reached: Option<G::Output>,
    last: Option<String>,
}

impl<G: Goal> Polled<G> {
    pub(super) fn operation(sf: &ShakenFist, goal: G) -> Operation<G::Output> {
        let sf = sf.clone();
        Operation::new(Self { sf, goal, pauses: pauses(), closely: false, reached: None, last: None })
    }

    /// A state that changes may soon change again.
    fn pause(&mut self, progress: &Progress) -> Duration {
        if self.last.as_ref() != Some(&progress.status) {
            self.last = Some(progress.status.clone());
            self.pauses.restart();
        }
        self.pauses.next()
    }
}

impl<G: Goal> Work for Polled<G> {
    type Output = G::Output;

    fn ticket(&self) -> Ticket {
        self.goal.ticket().at(&self.sf.place())
    }

    fn server(&self) -> &str {
        self.sf.address()
    }

    fn watch_closely(&mut self) {
        self.closely = true;
    }

    fn look(&mut self, _: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(async move {
            Ok(match self.goal.look(&self.sf, self.closely).await? {
                Seen::Going(progress) => {
                    let pause = self.pause(&progress);
                    Look::Running { progress, pause }
                }
                Seen::Reached(progress, output) => {
                    self.reached = Some(output);
                    Look::Succeeded(progress)
                }
                Seen::Ended(progress) => Look::Succeeded(progress),
                Seen::Failed(e) => Look::Failed(e),
                Seen::Gone => Look::Gone,
            })
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<G::Output, Error>> {
        Box::pin(async move {
            let lost = || Error::new(ErrorKind::BadReply, "the result is missing");
            match self.reached.take() {
                Some(output) => Ok(output),
                None => self.goal.finish(&self.sf).await?.ok_or_else(lost),
            }
        })
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<G::Output>, Error>> {
        Box::pin(async { Ok(None) })
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        self.goal.cancel(&self.sf)
    }
}

/// A line of progress.
pub(super) fn progress(status: impl ToString, message: impl Into<String>) -> Progress {
    let message = message.into();
    let percent = percent(&message);
    Progress { status: status.to_string(), message, percent, ..Progress::default() }
}

/// `Fetching required blob …, 30% complete`.
fn percent(message: &str) -> Option<u8> {
    let (before, _) = message.split_once('%')?;
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    before[before.len() - digits..].parse().ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_from_words() {
        assert_eq!(percent("Fetching required blob ffdf, 30% complete"), Some(30));
        assert_eq!(percent("30 %"), None);
        assert_eq!(percent("1000% sure"), None);
        assert_eq!(percent("schedule complete"), None);
    }
}
