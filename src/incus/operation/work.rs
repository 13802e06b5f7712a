//! Background operations of Incus, for the waiting loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::completion::Completion;
use super::reconciled_work::{ReconciledWork, ended};
use super::{is_final, is_success, progress, told};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::incus::events::subscriptions::Subscription;
use crate::incus::events::{Heard, Known};
use crate::incus::operation;
use crate::incus::{Incus, types};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Look, Operation, Progress, Work};

/// An operation and what comes after it. There may be thousands, which wait for a long time: this holds little.
pub(in crate::incus) struct IncusWork<E> {
    incus: Incus,
    id: String,
    ending: E,
    /// The operation once it has ended.
    ended: Option<Box<types::Operation>>,
    progress: Progress,
    closely: bool,
    feed: Option<Subscription<Known>>,
    /// The last look brought nothing: what the feed told meanwhile may be lost.
    missed: bool,
    /// The end is near: the first look may wait for it.
    near: bool,
    /// The answer that accepted it told its progress, and nothing has been asked since.
    fresh: bool,
}

/// How to look, if not by listening.
enum Step {
    /// There is nothing to ask yet.
    Pass,
    Ask,
    /// Listen from now on, and ask once.
    Join,
    /// One of the few long polls at the same time.
    LongPoll(Duration, OwnedSemaphorePermit),
    /// It is known to have ended.
    Read(Arc<types::Operation>),
}

/// Between two looks where a long poll can't be used.
const PAUSE: Duration = Duration::from_millis(100);
/// The server counts in whole seconds.
const SECOND: Duration = Duration::from_secs(1);
/// How long an end that is near may take.
const MOMENT: Duration = Duration::from_secs(5);

impl<E: Completion> IncusWork<E> {
    /// The operation that the server has just accepted.
    pub(in crate::incus) fn accepted(
        incus: &Incus,
        operation: types::Operation,
        ending: E,
    ) -> Operation<E::Output> {
        let (progress, fresh) = (told(&operation), !is_final(&operation));
        Operation::new(Self { progress, fresh, ..Self::new(incus, &operation.id, ending) })
    }

    /// Work that was looked for. Without an operation, what it made is there already, and tells how it ended.
    pub(in crate::incus) fn found(
        incus: &Incus,
        operation: Option<types::Operation>,
        ending: E,
    ) -> Operation<E::Output> {
        match operation {
            Some(operation) => Self::accepted(incus, operation, ending),
            None => ReconciledWork::wait(incus, ending),
        }
    }

    fn new(incus: &Incus, id: &str, ending: E) -> Self {
        Self {
            incus: incus.clone(),
            id: id.to_owned(),
            ending,
            ended: None,
            progress: Progress::default(),
            closely: false,
            feed: None,
            missed: false,
            near: false,
            fresh: false,
        }
    }

    /// What a ticket names: an operation of which only the id is known, or work without one.
    pub(in crate::incus) fn resumed(incus: &Incus, id: &str, ending: E) -> Operation<E::Output> {
        match id {
            ReconciledWork::<E>::ID => ReconciledWork::wait(incus, ending),
            id => Operation::new(Self::new(incus, id, ending)),
        }
    }

    /// The same of one that has ended, or will in a moment: one long poll is most often all it takes.
    pub(in crate::incus) fn about_to_end(incus: &Incus, id: &str, ending: E) -> Operation<E::Output> {
        Operation::new(Self { near: true, ..Self::new(incus, id, ending) })
    }

    /// The same of one that `feed` has listened to since before it could end: that tells the end, also when the server
    /// has forgotten it.
    pub(in crate::incus) fn heard(
        incus: &Incus,
        id: &str,
        feed: Subscription<Known>,
        ending: E,
    ) -> Operation<E::Output> {
        Operation::new(Self { feed: Some(feed), ..Self::new(incus, id, ending) })
    }

    /// Decides how to look; `None` is to listen.
    fn step(&mut self, patience: Duration, missed: bool) -> Option<Step> {
        if std::mem::take(&mut self.near)
            && let Some(slot) = self.slot()
        {
            return Some(Step::LongPoll(MOMENT, slot));
        }
        let Some(feed) = &self.feed else { return Some(self.step_without_feed(patience)) };
        if let Some(ended) = feed.end() {
            return Some(Step::Read(ended));
        }
        if patience.is_zero() || missed {
            // Only a wait that listened from the start has a feed at its first look.
            return Some(if feed.is_up() && !missed { Step::Pass } else { Step::Ask });
        }
        if feed.is_over() {
            return Some(Step::Join);
        }
        // Without events, a few waits still use long polls.
        let blind = !feed.is_up() && patience >= SECOND;
        blind.then(|| self.slot()).flatten().map(|slot| Step::LongPoll(patience, slot))
    }

    fn step_without_feed(&self, patience: Duration) -> Step {
        if self.closely {
            return Step::Join;
        }
        if patience < SECOND {
            return Step::Ask;
        }
        self.slot().map_or(Step::Join, |slot| Step::LongPoll(patience, slot))
    }

    /// The permit for a long poll.
    fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.incus.0.polls.clone().try_acquire_owned().ok()
    }

    /// Many may queue for their turn to ask: what else there is to do is in boxes.
    async fn look_by(&mut self, step: Step, patience: Duration) -> Result<Look, Error> {
        match step {
            Step::Pass => Ok(self.running()),
            Step::Ask if self.feed.is_some() => self.ask().await,
            Step::Ask => Ok(slow_down(self.ask().await?, Instant::now(), patience)),
            Step::Join => {
                // Listens before it asks, so that nothing falls in between.
                self.feed = Some(Box::pin(self.incus.hear_operation(&self.id)).await);
                self.ask().await
            }
            Step::LongPoll(patience, _slot) => Box::pin(self.poll(patience)).await,
            Step::Read(ended) => self.read(Box::new(Arc::unwrap_or_clone(ended))).await,
        }
    }

    fn running(&self) -> Look {
        Look::Running { progress: self.progress.clone(), pause: Duration::ZERO }
    }

    async fn ask(&mut self) -> Result<Look, Error> {
        let operation = match operation::get(&self.incus, &self.id).await {
            Ok(operation) => Box::new(operation),
            Err(e) if e.is_not_found() => return Ok(Look::Gone),
            Err(e) => return Err(e),
        };
        self.read(operation).await
    }

    async fn read(&mut self, operation: Box<types::Operation>) -> Result<Look, Error> {
        self.progress = progress(told(&operation), &self.progress);
        if !is_final(&operation) {
            return Ok(self.running());
        }
        let progress = self.progress.clone();
        let ended = &**self.ended.insert(operation);
        if is_success(ended) {
            return Ok(Look::Succeeded(progress));
        }
        if let Some(other) = self.ending.successor(&self.incus, ended).await? {
            return Ok(self.follow(other.id));
        }
        Ok(match self.ending.judge(&self.incus, ended).await {
            Ok(()) => Look::Succeeded(progress),
            Err(e) => Look::Failed(e),
        })
    }

    /// Goes on with another operation.
    fn follow(&mut self, id: String) -> Look {
        (self.id, self.ended, self.feed) = (id, None, None);
        self.running()
    }

    /// A slice of a long poll.
    async fn poll(&mut self, patience: Duration) -> Result<Look, Error> {
        let started = Instant::now();
        let answer = match operation::wait(&self.incus, &self.id, patience).await {
            Ok(operation) => {
                let look = self.read(Box::new(operation)).await;
                return look.map(|look| slow_down(look, started, patience));
            }
            Err(e) => e,
        };
        if answer.status() == Some(404) {
            return Ok(Look::Gone);
        }
        if !operation::is_old_style(&answer) {
            return Err(answer);
        }
        // Up to 6.0.4 a failed operation and a wait that timed out look alike: only the operation tells them apart.
        match self.ask().await? {
            // The operation is forgotten by now: only the message is left.
            Look::Gone if !operation::says_out_of_time(&answer) => {
                Ok(Look::Failed(self.ending.confirm(&self.incus, operation::as_failure(answer)).await))
            }
            look => Ok(slow_down(look, started, patience)),
        }
    }

    /// Waits for news. This is where most of many waits are: it holds nothing of what it takes to ask.
    async fn listen(&mut self, patience: Duration) -> Result<Look, Error> {
        let Some(feed) = &mut self.feed else { return Box::pin(self.ask()).await };
        let since = tokio::time::Instant::now();
        match feed.news(patience).await {
            Some(Heard::Running(told)) => {
                self.progress = progress(Arc::unwrap_or_clone(told), &self.progress);
                Ok(self.running())
            }
            Some(Heard::Ended(operation)) => {
                Box::pin(self.read(Box::new(Arc::unwrap_or_clone(operation)))).await
            }
            None if feed.was_told_since(since) => Ok(self.running()),
            // Events may have been missed, or none came for a long time.
            Some(Heard::Nothing | Heard::Gap) | None => Box::pin(self.ask()).await,
        }
    }
}

/// A long poll that ends early without news must not become a tight loop.
fn slow_down(look: Look, started: Instant, patience: Duration) -> Look {
    match look {
        Look::Running { progress, .. } if started.elapsed() < patience / 2 => {
            Look::Running { progress, pause: PAUSE }
        }
        look => look,
    }
}

impl<E: Completion> Work for IncusWork<E> {
    type Output = E::Output;

    fn ticket(&self) -> Ticket {
        self.ending.ticket(&self.id).at(&self.incus.place())
    }

    fn server(&self) -> &str {
        self.incus.address()
    }

    fn watch_closely(&mut self) {
        self.closely = true;
    }

    fn accepted(&mut self) -> Option<Progress> {
        std::mem::take(&mut self.fresh).then(|| self.progress.clone())
    }

    fn look(&mut self, patience: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        // Stays set if this look fails or is given up.
        let missed = std::mem::replace(&mut self.missed, true);
        // Two futures, so that neither has room for the other.
        match self.step(patience, missed) {
            None => Box::pin(async move {
                let look = self.listen(patience).await;
                self.missed = look.is_err();
                look
            }),
            Some(step) => Box::pin(async move {
                let look = self.look_by(step, patience).await;
                self.missed = look.is_err();
                look
            }),
        }
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<E::Output, Error>> {
        match &self.ended {
            Some(ended) => self.ending.finish(&self.incus, ended),
            None => Box::pin(async { Err(Error::new(ErrorKind::BadReply, "the operation is missing")) }),
        }
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<E::Output>, Error>> {
        self.ending.reconcile(&self.incus)
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            match operation::cancel(&self.incus, &self.id).await {
                Err(e) if e.is_not_found() => Err(ended()),
                other => other,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incus::operation::completion::Plain;

    /// What thousands of waits hold for a long time.
    #[tokio::test]
    async fn a_wait_is_small() -> Result<(), Error> {
        let incus = Incus::unix("/nowhere").client()?;
        let mut work = IncusWork::new(&incus, "1", Plain);
        let ask = size_of_val(&*work.look(SECOND));
        let listen = size_of_val(&work.listen(SECOND));
        let wait = size_of_val(&*Operation::new(work).into_future());
        let own = size_of::<IncusWork<Plain>>();
        let small = ask <= 384 && listen <= 608 && wait <= 640 && own <= 256;
        assert!(small, "{ask}, {listen}, {wait}, {own} bytes");
        let launch = || incus.launch("web").image("busybox");
        let (launch, begin) = (size_of_val(&launch().send()), size_of_val(&launch().begin()));
        assert!(launch <= 256 && begin <= 416, "{launch}, {begin} bytes");
        Ok(())
    }
}
