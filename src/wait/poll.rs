//! Work that can only be polled: look, judge, pause.

use std::time::Duration;

use super::poll_backoff::Pauses;
use super::{BoxFuture, Look, Operation, Progress, Work};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::ticket::Ticket;
use crate::transport::retry::Retry;

/// What a wait is for.
pub(crate) trait Goal<C>: Send + 'static {
    type Output: Send + 'static;

    fn ticket(&self) -> Ticket;

    /// Looks once. `closely` if the caller wants progress.
    fn look<'a>(
        &'a mut self,
        client: &'a C,
        closely: bool,
    ) -> BoxFuture<'a, Result<Seen<Self::Output>, Error>>;

    /// Fetches the result after [`Seen::Ended`]. The time limit of a look doesn't apply.
    fn finish<'a>(&'a mut self, _: &'a C) -> BoxFuture<'a, Result<Option<Self::Output>, Error>> {
        Box::pin(async { Ok(None) })
    }

    /// The result if the thing is gone, if that counts as success.
    fn when_gone(&mut self) -> Result<Option<Self::Output>, Error> {
        Ok(None)
    }

    fn cancel<'a>(&'a mut self, _: &'a C) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(Error::new(ErrorKind::Conflict, "the operation can't be cancelled")) })
    }

    /// How long the server may be unreachable before the wait gives up.
    fn silence(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// What a look found.
pub(crate) enum Seen<T> {
    Pending(Progress),
    Reached(Progress, T),
    /// Reached, but [`Goal::finish`] has to fetch the result.
    Ended(Progress),
    Failed(Error),
    Gone,
}

/// How long to pause between two looks.
pub(crate) enum Interval {
    /// Growing up to this; short again after a change.
    Growing(Duration),
    /// Always the same.
    #[allow(dead_code)] // not every API uses it
    Even(Duration),
}

/// One attempt for each look, shorter than the loop allows: the loop itself tries again.
#[allow(dead_code)] // not every API looks with single requests
pub(crate) fn one_look() -> Retry {
    Retry::never().attempt_timeout(Duration::from_secs(9))
}

/// A [`Goal`] as the waiting loop's [`Work`].
pub(crate) struct Polled<C, G: Goal<C>> {
    client: C,
    goal: G,
    pauses: Pauses,
    even: Option<Duration>,
    closely: bool,
    last: Progress,
    reached: Option<G::Output>,
}

impl<C: Client, G: Goal<C>> Polled<C, G> {
    /// An operation that ends with the goal. `client` should make one attempt per look, because the waiting loop
    /// repeats the look.
    pub(crate) fn operation(client: C, goal: G, interval: &Interval) -> Operation<G::Output> {
        Operation::new(Self::new(client, goal, interval))
    }

    pub(crate) fn new(client: C, goal: G, interval: &Interval) -> Self {
        let (pauses, even) = match *interval {
            Interval::Growing(longest) => (Pauses::up_to(longest), None),
            Interval::Even(pause) => (Pauses::up_to(pause), Some(pause)),
        };
        Self { client, goal, pauses, even, closely: false, last: Progress::default(), reached: None }
    }

    async fn look_once(&mut self) -> Result<Look, Error> {
        let seen = match self.goal.look(&self.client, self.closely).await {
            Ok(seen) => seen,
            Err(e) if e.is_rate_limited() => return Ok(self.later(&e)),
            Err(e) => return e.absence().map(|()| Look::Gone),
        };
        Ok(match seen {
            Seen::Pending(progress) => {
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
    }

    /// One change is often followed by another, so the pauses start again.
    fn pause(&mut self, progress: &Progress) -> Duration {
        if *progress != self.last {
            self.last = progress.clone();
            self.pauses.restart();
        }
        self.even.unwrap_or_else(|| self.pauses.next())
    }

    /// The server answered "too many requests", so it is reachable.
    fn later(&mut self, e: &Error) -> Look {
        const LONGEST: Duration = Duration::from_secs(60);
        let asked = e.retry_after().unwrap_or_else(|| self.pauses.longest());
        let pause = asked.clamp(Pauses::FIRST, LONGEST);
        Look::Running { progress: self.last.clone(), pause }
    }
}

impl<C: Client, G: Goal<C>> Work for Polled<C, G> {
    type Output = G::Output;

    fn ticket(&self) -> Ticket {
        self.goal.ticket().at(&self.client.place())
    }

    fn server(&self) -> &str {
        self.client.address()
    }

    fn watch_closely(&mut self) {
        self.closely = true;
    }

    fn silence(&self) -> Duration {
        self.goal.silence()
    }

    fn look(&mut self, _: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(self.look_once())
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<G::Output, Error>> {
        Box::pin(async move {
            let missing = || Error::new(ErrorKind::BadReply, "the result is missing");
            match self.reached.take() {
                Some(output) => Ok(output),
                None => self.goal.finish(&self.client).await?.ok_or_else(missing),
            }
        })
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<G::Output>, Error>> {
        let result = self.goal.when_gone();
        Box::pin(async { result })
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        self.goal.cancel(&self.client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{Place, Server};

    #[derive(Clone)]
    struct Nowhere;

    impl Client for Nowhere {
        fn place(&self) -> Place {
            let url = reqwest::Url::parse("https://a").unwrap_or_else(|e| unreachable!("{e}"));
            Place { api: "koyeb", server: Server::at(&url), scope: "account:1".to_owned() }
        }

        fn address(&self) -> &str {
            "https://a"
        }
    }

    /// Answers "too many requests" this often, then that it is there.
    struct Crowded(u32);

    impl Goal<Nowhere> for Crowded {
        type Output = u32;

        fn ticket(&self) -> Ticket {
            Ticket::new("koyeb", "test", "1")
        }

        fn look<'a>(&'a mut self, _: &'a Nowhere, _: bool) -> BoxFuture<'a, Result<Seen<u32>, Error>> {
            Box::pin(async {
                if self.0 == 0 {
                    return Ok(Seen::Reached(Progress::default(), 7));
                }
                self.0 -= 1;
                let e = Error::new(ErrorKind::RateLimited, "slow down");
                Err(e.with(|e| e.retry_after = Some(Duration::from_secs(30))))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_asks_for_patience_is_not_out_of_reach() {
        let started = tokio::time::Instant::now();
        let interval = Interval::Growing(Duration::from_secs(5));
        // Five minutes: much longer than a server may be out of reach.
        let reached = Polled::operation(Nowhere, Crowded(10), &interval).await;
        assert_eq!(reached.ok(), Some(7));
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(300), "it didn't wait as asked: {waited:?}");
    }
}
