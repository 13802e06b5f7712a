//! Background operations of Incus, for the waiting loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completion::Completion;
use super::reconciled_work::{ReconciledWork, ended};
use super::{is_final, is_success, progress};
use crate::client::Client;
use crate::error::Error;
use crate::incus::events::subscriptions::{Heard, Subscription};
use crate::incus::operation;
use crate::incus::{Incus, types};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Look, Operation, Progress, Work};

/// An operation and what comes after it.
pub(in crate::incus) struct IncusWork<E> {
    incus: Incus,
    id: String,
    ending: E,
    last: types::Operation,
    progress: Progress,
    closely: bool,
    feed: Option<Subscription<Heard>>,
    /// The last look brought nothing: what the feed told meanwhile may be lost.
    missed: bool,
    /// The end is near: the first look may wait for it.
    near: bool,
}

/// Between two looks where a long poll can't be used.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an end that is near may take.
const MOMENT: Duration = Duration::from_secs(5);

impl<E: Completion> IncusWork<E> {
    /// The operation that the server has just accepted.
    pub(in crate::incus) fn accepted(
        incus: &Incus,
        operation: types::Operation,
        ending: E,
    ) -> Operation<E::Output> {
        Operation::new(Self::new(incus, operation, ending))
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

    fn new(incus: &Incus, operation: types::Operation, ending: E) -> Self {
        Self {
            incus: incus.clone(),
            id: operation.id.clone(),
            ending,
            last: operation,
            progress: Progress::default(),
            closely: false,
            feed: None,
            missed: false,
            near: false,
        }
    }

    /// What a ticket names: an operation of which only the id is known, or work without one.
    pub(in crate::incus) fn resumed(incus: &Incus, id: &str, ending: E) -> Operation<E::Output> {
        match id {
            ReconciledWork::<E>::ID => ReconciledWork::wait(incus, ending),
            id => Operation::new(Self::new(incus, unknown(id), ending)),
        }
    }

    /// The same of one that has ended, or will in a moment: one long poll is most often all it takes.
    pub(in crate::incus) fn about_to_end(incus: &Incus, id: &str, ending: E) -> Operation<E::Output> {
        Operation::new(Self { near: true, ..Self::new(incus, unknown(id), ending) })
    }

    /// The same of one that `feed` has listened to since before it could end: that tells the end, also when the server
    /// has forgotten it.
    pub(in crate::incus) fn heard(
        incus: &Incus,
        id: &str,
        feed: Subscription<Heard>,
        ending: E,
    ) -> Operation<E::Output> {
        Operation::new(Self { feed: Some(feed), ..Self::new(incus, unknown(id), ending) })
    }

    async fn look_now(&mut self) -> Result<Look, Error> {
        match operation::get(&self.incus, &self.id).await {
            Ok(operation) => self.read(operation).await,
            Err(e) if e.is_not_found() => Ok(Look::Gone),
            Err(e) => Err(e),
        }
    }

    async fn read(&mut self, operation: types::Operation) -> Result<Look, Error> {
        self.progress = progress(&operation, &self.progress);
        let progress = self.progress.clone();
        self.last = operation;
        if is_success(&self.last) {
            return Ok(Look::Succeeded(progress));
        }
        if is_final(&self.last) {
            if let Some(other) = self.ending.successor(&self.incus, &self.last).await? {
                return Ok(self.follow(other));
            }
            return Ok(match self.ending.judge(&self.incus, &self.last).await {
                Ok(()) => Look::Succeeded(progress),
                Err(e) => Look::Failed(e),
            });
        }
        Ok(Look::Running { progress, pause: Duration::ZERO })
    }

    /// Goes on with another operation.
    fn follow(&mut self, other: types::Operation) -> Look {
        self.id.clone_from(&other.id);
        self.last = other;
        self.feed = None;
        Look::Running { progress: self.progress.clone(), pause: Duration::ZERO }
    }

    /// A slice of a long poll.
    async fn look_long(&mut self, patience: Duration) -> Result<Look, Error> {
        let started = Instant::now();
        let answer = match operation::wait(&self.incus, &self.id, patience).await {
            Ok(operation) => {
                return self.read(operation).await.map(|look| slow_down(look, started, patience));
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
        match self.look_now().await? {
            // The operation is forgotten by now: only the message is left.
            Look::Gone if !operation::says_out_of_time(&answer) => {
                Ok(Look::Failed(self.ending.confirm(&self.incus, operation::as_failure(answer)).await))
            }
            look => Ok(slow_down(look, started, patience)),
        }
    }

    async fn look_at_feed(&mut self, patience: Duration) -> Result<Look, Error> {
        let Some(feed) = self.feed.as_mut().filter(|feed| !feed.is_over()) else {
            return self.join_feed().await;
        };
        // Without events, a few waits still use long polls.
        if !feed.is_up()
            && patience >= Duration::from_secs(1)
            && let Ok(_slot) = self.incus.0.polls.clone().try_acquire_owned()
        {
            return self.look_long(patience).await;
        }
        match feed.news(patience).await {
            Some(Heard::Operation(operation)) => self.read(Arc::unwrap_or_clone(operation)).await,
            // Events may have been missed, or none came for a long time: ask.
            Some(Heard::Nothing | Heard::Gap) | None => self.look_now().await,
        }
    }

    /// What the feed makes known without a wait: the end, or that there is nothing to ask yet.
    async fn look_at_what_was_told(
        &mut self,
        patience: Duration,
        missed: bool,
    ) -> Option<Result<Look, Error>> {
        let feed = self.feed.as_ref()?;
        if let Some(ended) = feed.end() {
            return Some(self.read(Arc::unwrap_or_clone(ended)).await);
        }
        // Only a wait that listened from the start has a feed at its first look.
        let idle = Look::Running { progress: self.progress.clone(), pause: Duration::ZERO };
        (patience.is_zero() && !missed && feed.is_up()).then_some(Ok(idle))
    }

    async fn look_somehow(&mut self, patience: Duration, missed: bool) -> Result<Look, Error> {
        if std::mem::take(&mut self.near)
            && let Ok(_slot) = self.incus.0.polls.clone().try_acquire_owned()
        {
            return self.look_long(MOMENT).await;
        }
        if let Some(told) = self.look_at_what_was_told(patience, missed).await {
            return told;
        }
        if self.feed.is_some() {
            return if patience.is_zero() || missed {
                self.look_now().await
            } else {
                self.look_at_feed(patience).await
            };
        }
        if self.closely {
            return self.join_feed().await;
        }
        if patience < Duration::from_secs(1) {
            // The server counts in whole seconds.
            let look = self.look_now().await?;
            return Ok(slow_down(look, Instant::now(), patience));
        }
        match self.incus.0.polls.clone().try_acquire_owned() {
            Ok(_slot) => self.look_long(patience).await,
            Err(_) => self.join_feed().await,
        }
    }

    /// Listens before it looks, so that nothing falls in between.
    async fn join_feed(&mut self) -> Result<Look, Error> {
        self.feed = Some(self.incus.hear_operation(&self.id).await);
        self.look_now().await
    }
}

/// An operation of which only the id is known.
fn unknown(id: &str) -> types::Operation {
    types::Operation {
        id: id.to_owned(),
        status: types::Status::Pending,
        class: None,
        description: String::new(),
        created_at: None,
        updated_at: None,
        status_code: 0,
        resources: Default::default(),
        metadata: None,
        may_cancel: false,
        err: String::new(),
        location: String::new(),
        extra: Default::default(),
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

    fn look(&mut self, patience: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(async move {
            // Stays set if this look fails or is given up.
            let missed = std::mem::replace(&mut self.missed, true);
            let look = self.look_somehow(patience, missed).await;
            self.missed = look.is_err();
            look
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<E::Output, Error>> {
        self.ending.finish(&self.incus, &self.last)
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
