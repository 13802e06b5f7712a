//! The waiting loop of every API: look, report, pause.

use std::time::Duration;

use tokio::time::Instant;

use super::step_event::looked;
use super::wait_error::Stopped;
use super::{BoxFuture, Look, Progress, WaitEnd, WaitError, Work};
use crate::error::{Error, ErrorKind, Sent};
use crate::instant;
use crate::ticket::Ticket;
use crate::transport::gate::Queued;

/// What to wait for, and how.
pub(super) struct Terms<T> {
    pub(super) work: Box<dyn Work<Output = T>>,
    /// A call began the work: its request arrived, and must not be repeated.
    pub(super) begun: bool,
    pub(super) limit: Duration,
    /// The limit that the caller set, if part of it had already passed.
    pub(super) told: Option<Duration>,
    pub(super) progress: Option<Tell>,
}

pub(super) type Tell = Box<dyn FnMut(&Progress) + Send>;

/// What follows a look.
enum Next {
    Pause(Duration),
    Finish,
    Reconcile,
}

/// A wait in progress. There may be thousands: what happens once, at the end, is in boxes.
pub(super) struct Wait<T> {
    terms: Terms<T>,
    started: Instant,
    last: Option<Progress>,
    looks: u32,
    /// Since when every look has failed.
    silent: Option<Instant>,
    /// How long the last look stood in queues of this program.
    queued: Duration,
}

impl<T> Wait<T> {
    /// The longest long poll: short enough to notice a dead connection, long enough to be cheap.
    const SLICE: Duration = Duration::from_secs(30);
    /// How long a look may take beyond its patience before the connection counts as dead.
    const GRACE: Duration = Duration::from_secs(10);
    /// How far the limit may be exceeded, because an answer on its way may bring the result.
    const OVERTIME: Duration = Duration::from_secs(5);
    /// The pause after a failed look.
    const PAUSE: Duration = Duration::from_millis(500);

    pub(super) fn new(mut terms: Terms<T>) -> Self {
        if terms.progress.is_some() {
            terms.work.watch_closely();
        }
        let (started, queued) = (Instant::now(), Duration::ZERO);
        Self { terms, started, last: None, looks: 0, silent: None, queued }
    }

    pub(super) async fn run(&mut self) -> Result<T, WaitError> {
        let mut patience = self.first_patience();
        loop {
            let began = Instant::now();
            let look = self.look(patience).await;
            let pause = match self.seen(look, began)? {
                Next::Pause(pause) => pause,
                Next::Finish => return Box::pin(self.finish()).await,
                Next::Reconcile => return Box::pin(self.reconcile()).await,
            };
            if self.left().is_zero() {
                return Err(self.out_of_time());
            }
            tokio::time::sleep(pause.min(self.left())).await;
            patience = self.left().min(Self::SLICE);
        }
    }

    /// A look at once, unless it is known how the work began: most waits find it done, or get its first progress.
    fn first_patience(&mut self) -> Duration {
        match self.terms.work.accepted() {
            Some(progress) => {
                self.tell(progress);
                self.left().min(Self::SLICE)
            }
            None => Duration::ZERO,
        }
    }

    fn seen(&mut self, look: Result<Look, Error>, began: Instant) -> Result<Next, WaitError> {
        if look.is_ok() {
            self.silent = None;
        }
        Ok(match look {
            Ok(Look::Succeeded(progress)) => {
                self.tell(progress);
                Next::Finish
            }
            Ok(Look::Failed(e)) => return Err(self.end(WaitEnd::Failed, e)),
            Ok(Look::Gone) => Next::Reconcile,
            Ok(Look::Running { progress, pause }) => {
                self.tell(progress);
                Next::Pause(pause)
            }
            Err(e) => Next::Pause(self.endure(e, began)?),
        })
    }

    fn left(&self) -> Duration {
        self.terms.limit.saturating_sub(self.started.elapsed())
    }

    /// The time until the extended limit.
    fn left_with_overtime(&self) -> Duration {
        self.terms.limit.saturating_add(Self::OVERTIME).saturating_sub(self.started.elapsed())
    }

    async fn look(&mut self, patience: Duration) -> Result<Look, Error> {
        self.looks = self.looks.saturating_add(1);
        let (mut limit, most) = (patience.saturating_add(Self::GRACE), self.left_with_overtime());
        if let Some(since) = self.silent {
            limit = limit.min(self.terms.work.silence().saturating_sub(since.elapsed()));
        }
        let queued = Queued::default();
        let began = Instant::now();
        let look = in_time(limit, most, &queued, self.terms.work.look(patience)).await;
        self.queued = queued.time();
        looked(|| self.terms.work.ticket(), &look, began.elapsed(), self.looks);
        look
    }

    fn tell(&mut self, progress: Progress) {
        if self.last.as_ref() == Some(&progress) {
            return;
        }
        if let Some(tell) = &mut self.terms.progress {
            tell(&progress);
        }
        self.last = Some(progress);
    }

    /// A failed look says nothing about the work: continue within the limit of silence.
    fn endure(&mut self, e: Error, began: Instant) -> Result<Duration, WaitError> {
        // A look that hung may have been without contact from its start.
        let lost =
            if e.kind() == ErrorKind::Timeout { instant::after(began, self.queued) } else { Instant::now() };
        let since = *self.silent.get_or_insert(lost);
        if !e.kind().may_pass() || since.elapsed() >= self.terms.work.silence() {
            return Err(self.end(WaitEnd::LostContact, e));
        }
        Ok(Self::PAUSE)
    }

    async fn finish(&mut self) -> Result<T, WaitError> {
        loop {
            let limit = self.left_with_overtime();
            match in_time(limit, limit, &Queued::default(), self.terms.work.finish()).await {
                Ok(result) => return Ok(result),
                Err(e) => self.try_again(e).await?,
            }
        }
    }

    /// The work has ended: an unreachable server must not turn success into failure, so try again.
    async fn try_again(&mut self, e: Error) -> Result<(), WaitError> {
        let since = *self.silent.get_or_insert_with(Instant::now);
        let hope = e.kind().is_out_of_reach() && since.elapsed() < self.terms.work.silence();
        if !hope || self.left().is_zero() {
            return Err(self.end(WaitEnd::LostContact, e));
        }
        tracing::debug!(error = %e, "the result could not be fetched");
        tokio::time::sleep(Self::PAUSE.min(self.left())).await;
        Ok(())
    }

    async fn reconcile(&mut self) -> Result<T, WaitError> {
        loop {
            let limit = self.left_with_overtime();
            match in_time(limit, limit, &Queued::default(), self.terms.work.reconcile()).await {
                Err(e) if e.kind().is_out_of_reach() => self.try_again(e).await?,
                reconciled => return self.reconciled(reconciled),
            }
        }
    }

    fn reconciled(&mut self, reconciled: Result<Option<T>, Error>) -> Result<T, WaitError> {
        match reconciled {
            Ok(Some(result)) => Ok(result),
            Ok(None) => {
                let e = Error::new(ErrorKind::OperationGone, "the server no longer knows the operation");
                Err(self.end(WaitEnd::Gone, e))
            }
            Err(e) if matches!(e.kind(), ErrorKind::OperationGone | ErrorKind::NotFound) => {
                Err(self.end(WaitEnd::Gone, e))
            }
            // The state after the work could not be read.
            Err(e) => Err(self.end(WaitEnd::LostContact, e)),
        }
    }

    fn out_of_time(&mut self) -> WaitError {
        let limit = self.terms.told.unwrap_or(self.terms.limit);
        let seen = self.last.as_ref().map_or_else(|| "no progress was seen".to_owned(), |p| p.to_string());
        let e = Error::new(ErrorKind::Timeout, format!("not finished within {limit:?} ({seen})"));
        self.end(WaitEnd::OutOfTime, e.with(|e| e.sent = Sent::Yes))
    }

    fn end(&mut self, end: WaitEnd, error: Error) -> WaitError {
        let ticket = self.terms.work.ticket();
        let error = labelled(error, self.terms.work.server(), &ticket).with(|e| {
            if self.terms.begun {
                e.took_effect();
            }
            if e.attempts == 0 && e.sent != Sent::No {
                e.attempts = self.looks;
            }
        });
        let waited = self.started.elapsed();
        WaitError(Box::new(Stopped { end, ticket, waited, last: self.last.take(), error }))
    }
}

/// Adds the call to an error of the work itself.
pub(super) fn labelled(error: Error, server: &str, ticket: &Ticket) -> Error {
    error.at(server).with(|e| {
        if e.api.is_empty() {
            e.api = api_name(&ticket.api);
        }
        if e.operation.is_empty() && e.verb.is_empty() {
            e.verb.clone_from(&ticket.kind);
            ticket.object().clone_into(&mut e.object);
        }
    })
}

/// The answer, or an error if it takes too long. Time in queues of this program doesn't count, up to `most`.
fn in_time<'a, T: 'a>(
    limit: Duration,
    most: Duration,
    queued: &'a Queued,
    answer: BoxFuture<'a, Result<T, Error>>,
) -> impl Future<Output = Result<T, Error>> {
    let started = Instant::now();
    let counted = queued.count(answer);
    // A block holds what it uses once, a function holds its arguments twice.
    async move {
        let mut counted = std::pin::pin!(counted);
        let mut left = limit.min(most);
        loop {
            if let Ok(answer) = tokio::time::timeout(left, counted.as_mut()).await {
                return answer;
            }
            left = limit.saturating_add(queued.time()).min(most).saturating_sub(started.elapsed());
            if left.is_zero() {
                let e = Error::new(ErrorKind::Timeout, "the server doesn't answer");
                return Err(e.with(|e| e.sent = Sent::Unknown));
            }
        }
    }
}

fn api_name(api: &str) -> &'static str {
    const KNOWN: [&str; 4] = ["incus", "koyeb", "lambda-cloud", "shakenfist"];
    KNOWN.into_iter().find(|known| *known == api).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::Operation;
    use crate::wait::Work;

    /// Each step either succeeds at once or never answers.
    struct Stuck {
        at: &'static str,
    }

    impl Stuck {
        fn step<'a, T: Send + 'a>(&self, name: &str, answer: T) -> BoxFuture<'a, Result<T, Error>> {
            let stuck = self.at == name;
            Box::pin(async move {
                match stuck {
                    true => std::future::pending().await,
                    false => Ok(answer),
                }
            })
        }
    }

    impl Work for Stuck {
        type Output = ();

        fn ticket(&self) -> Ticket {
            Ticket::new("incus", "operation", "1")
        }

        fn server(&self) -> &str {
            "/run/incus"
        }

        fn look(&mut self, patience: Duration) -> BoxFuture<'_, Result<Look, Error>> {
            match self.at {
                "look" if !patience.is_zero() => self.step("look", Look::Gone),
                "look" => {
                    let running = Look::Running { progress: Progress::default(), pause: Duration::ZERO };
                    self.step("", running)
                }
                "reconcile" => self.step("", Look::Gone),
                _ => self.step("first", Look::Succeeded(Progress::default())),
            }
        }

        fn finish(&mut self) -> BoxFuture<'_, Result<(), Error>> {
            self.step("finish", ())
        }

        fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<()>, Error>> {
            self.step("reconcile", Some(()))
        }

        fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
            self.step("cancel", ())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_limit_bounds_every_step() {
        let ends = [
            ("first", WaitEnd::OutOfTime),
            ("look", WaitEnd::OutOfTime),
            ("finish", WaitEnd::LostContact),
            ("reconcile", WaitEnd::LostContact),
        ];
        for limit in [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(40)] {
            for (at, end) in ends {
                let e = Operation::new(Stuck { at }).timeout(limit).await.err();
                let Some(e) = e else { unreachable!("{at}: it never answers") };
                assert_eq!((e.end(), e.kind()), (end, ErrorKind::Timeout), "{at}");
                let text = e.to_string();
                assert!(text.starts_with("incus operation \"1\" at /run/incus: out of time: "), "{text}");
                assert!(e.error().attempts() > 0, "{e:?}");
                assert!(e.waited() >= limit && e.waited() <= limit + Duration::from_secs(6), "{at}: {e:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_that_was_set_is_told_not_what_was_left() {
        let operation = Operation::new(Stuck { at: "look" });
        let e = operation.with_left(Duration::from_millis(17), Duration::from_secs(60)).await.err();
        assert!(e.is_some_and(|e| e.to_string().contains("not finished within 60s")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_is_given_up_after_a_minute() {
        let e = Operation::new(Stuck { at: "first" }).await.err();
        let waited = e.filter(|e| e.end() == WaitEnd::LostContact).map(|e| e.waited().as_secs());
        assert!(waited.is_some_and(|seconds| (60..=61).contains(&seconds)), "{waited:?}");
    }
}
