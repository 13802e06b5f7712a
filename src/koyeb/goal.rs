//! Waiting for a state: by looking again and again, at growing intervals.

use std::time::Duration;

use super::Koyeb;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Sent};
use crate::ticket::Ticket;
use crate::transport::retry::Retry;
use crate::wait::poll_backoff::Pauses;
use crate::wait::{BoxFuture, Look, Operation, Progress, Work};

/// What somebody waits for.
pub(super) trait Goal: Send + 'static {
    type Output: Send + 'static;

    fn ticket(&self) -> Ticket;

    /// What is to be seen of it now.
    fn look<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<Seen<Self::Output>, Error>>;

    /// The result when the service knows nothing of it any more, where that is one.
    fn when_gone(&self) -> Option<Self::Output> {
        None
    }

    /// Stops the work; most can't be stopped.
    fn cancel<'a>(&'a mut self, _koyeb: &'a Koyeb) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(Error::new(ErrorKind::Conflict, "this can't be cancelled")) })
    }
}

/// What a look at the goal shows.
pub(super) struct Seen<T> {
    pub(super) verdict: Verdict,
    pub(super) progress: Progress,
    pub(super) thing: T,
}

/// What a state means for a goal. A state that this version doesn't know is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Reached,
    Pending,
    /// It can't be reached any more.
    Lost,
}

/// A state and what is said about it.
pub(super) fn progress(kind: &str, id: &str, status: &str, messages: &[String]) -> Progress {
    let said = super::reply::words(messages);
    let message = if said.is_empty() { format!("{kind} {id}") } else { format!("{kind} {id}: {said}") };
    Progress { status: status.to_owned(), message, ..Progress::default() }
}

/// An operation that ends with the goal.
pub(super) fn operation<G: Goal>(koyeb: &Koyeb, goal: G) -> Operation<G::Output> {
    Operation::new(Polling {
        // One attempt for each look: the waiting loop goes on by itself, and must not wait inside a look.
        koyeb: koyeb.with(Retry::never().attempt_timeout(ATTEMPT)),
        goal,
        pauses: Pauses::up_to(LONGEST),
        last: Progress::default(),
        result: None,
    })
}

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(5);
/// Less than the waiting loop grants to a look.
const ATTEMPT: Duration = Duration::from_secs(9);

struct Polling<G: Goal> {
    koyeb: Koyeb,
    goal: G,
    pauses: Pauses,
    last: Progress,
    result: Option<G::Output>,
}

impl<G: Goal> Polling<G> {
    async fn look_once(&mut self) -> Result<Look, Error> {
        let seen = match self.goal.look(&self.koyeb).await {
            Ok(seen) => seen,
            Err(e) if e.is_rate_limited() => return Ok(self.later(&e)),
            Err(e) => return e.absence().map(|()| Look::Gone),
        };
        let changed = seen.progress != self.last;
        self.last = seen.progress.clone();
        Ok(match seen.verdict {
            Verdict::Reached => {
                self.result = Some(seen.thing);
                Look::Succeeded(seen.progress)
            }
            Verdict::Lost => Look::Failed(lost(&seen.progress)),
            Verdict::Pending => {
                if changed {
                    self.pauses.restart();
                }
                Look::Running { progress: seen.progress, pause: self.pauses.next() }
            }
        })
    }

    /// Whoever is told to come back later has reached the service.
    fn later(&mut self, e: &Error) -> Look {
        let pause = e.retry_after().unwrap_or(LONGEST).min(Duration::from_secs(60));
        Look::Running { progress: self.last.clone(), pause: pause.max(Pauses::FIRST) }
    }
}

fn lost(progress: &Progress) -> Error {
    let kind = if progress.status == "CANCELED" { ErrorKind::Cancelled } else { ErrorKind::OperationFailed };
    Error::new(kind, format!("{} is {}", progress.message, progress.status)).with(|e| {
        e.sent = Sent::Yes;
        e.code = Some(progress.status.clone());
    })
}

impl<G: Goal> Work for Polling<G> {
    type Output = G::Output;

    fn ticket(&self) -> Ticket {
        self.goal.ticket().at(&self.koyeb.place())
    }

    fn server(&self) -> &str {
        self.koyeb.address()
    }

    fn look(&mut self, _patience: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(self.look_once())
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<G::Output, Error>> {
        let result = self.result.take();
        Box::pin(async move { result.ok_or_else(|| Error::new(ErrorKind::BadReply, "there is no result")) })
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<G::Output>, Error>> {
        let result = self.goal.when_gone();
        Box::pin(async move { Ok(result) })
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        self.goal.cancel(&self.koyeb)
    }
}
