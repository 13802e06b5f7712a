//! Waiting for an instance to get where it shall be: the loop's view of launch, restart and termination.

use std::time::Duration;

use tokio::time::Instant;

use super::settle::MARKER;
use super::{Instance, LambdaCloud, types};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Sent};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Look, Operation, Progress, Work};

/// How long a wait lasts at most unless told otherwise: the largest machines boot for 25 minutes.
pub(super) const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Where an instance shall get.
pub(super) trait Goal: Send + Sync + 'static {
    type Output: Send + 'static;

    const KIND: &'static str;

    fn facts(&self, ticket: Ticket) -> Ticket {
        ticket
    }

    /// What the state of a listed instance means.
    fn judge(&mut self, instance: &types::Instance) -> Judgement;

    /// The service knows no such instance: is that the goal?
    fn absent(&self) -> bool {
        false
    }

    /// The result, from the last that was seen.
    fn output(&self, lambda: &LambdaCloud, last: Option<&types::Instance>) -> Option<Self::Output>;

    /// Whether [`Operation::cancel`] terminates the instance.
    fn cancels(&self) -> bool {
        false
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Running,
    Done,
    /// It won't get there, for this reason.
    Failed(&'static str),
}

/// Which instance.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// None where the answer to the launch was lost and the instance wasn't found so far.
    pub(super) id: Option<String>,
    /// The value of its launch tag, if that is known.
    pub(super) marker: Option<String>,
}

impl Identity {
    /// What stands for the id in a ticket without one.
    const UNKNOWN: &'static str = "unknown";

    pub(super) fn known(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), marker: None }
    }

    pub(super) fn ticket(&self, kind: &str) -> Ticket {
        let ticket = Ticket::new("lambda-cloud", kind, self.id.as_deref().unwrap_or(Self::UNKNOWN));
        match &self.marker {
            Some(marker) => ticket.with("marker", marker),
            None => ticket,
        }
    }

    pub(super) fn of_ticket(ticket: &Ticket) -> Option<Self> {
        let marker = ticket.fact("marker").map(str::to_owned);
        let id = (ticket.id() != Self::UNKNOWN).then(|| ticket.id().to_owned());
        (id.is_some() || marker.is_some()).then_some(Self { id, marker })
    }

    fn is(&self, instance: &types::Instance) -> bool {
        match &self.id {
            Some(id) => instance.id == *id,
            None => self.marker.is_some() && instance.tag(MARKER) == self.marker.as_deref(),
        }
    }
}

/// An instance on its way to a goal.
pub(super) struct Presence<G> {
    lambda: LambdaCloud,
    identity: Identity,
    goal: G,
    since: Instant,
    /// How long an instance may take to show in the list at all.
    window: Duration,
    last: Option<types::Instance>,
}

impl<G: Goal> Presence<G> {
    pub(super) fn operation(
        lambda: &LambdaCloud,
        identity: Identity,
        goal: G,
        window: Duration,
    ) -> Operation<G::Output> {
        let (lambda, since) = (lambda.clone(), Instant::now());
        Operation::new(Self { lambda, identity, goal, since, window, last: None }).timeout(LIMIT)
    }

    async fn look_at_list(&mut self) -> Result<Look, Error> {
        let all = self.lambda.listed(self.since).await?;
        match all.iter().find(|instance| self.identity.is(instance)) {
            Some(instance) => Ok(self.judge(instance.clone())),
            None => self.look_closer().await,
        }
    }

    /// Not listed, which alone proves nothing.
    async fn look_closer(&mut self) -> Result<Look, Error> {
        let may_show_up = self.last.is_none() && self.since.elapsed() < self.window;
        if may_show_up && !self.goal.absent() {
            return Ok(self.running("not listed yet"));
        }
        let Some(id) = &self.identity.id else { return Ok(Look::Gone) };
        match self.lambda.instance(id).get().await {
            Ok(instance) => Ok(self.judge(instance.into_data())),
            Err(e) => e.absence().map(|()| self.vanished()),
        }
    }

    fn vanished(&self) -> Look {
        match &self.last {
            _ if self.goal.absent() => Look::Succeeded(self.progress("gone")),
            Some(_) => Look::Failed(self.failure("it has vanished")),
            None => Look::Gone,
        }
    }

    fn judge(&mut self, instance: types::Instance) -> Look {
        let judgement = self.goal.judge(&instance);
        let status = instance.status.to_string();
        self.identity.id.get_or_insert_with(|| instance.id.clone());
        self.last = Some(instance);
        match judgement {
            Judgement::Running => self.running(&status),
            Judgement::Done => Look::Succeeded(self.progress(&status)),
            Judgement::Failed(why) => Look::Failed(self.failure(why)),
        }
    }

    fn running(&self, status: &str) -> Look {
        Look::Running { progress: self.progress(status), pause: self.lambda.0.interval }
    }

    fn progress(&self, status: &str) -> Progress {
        let id = self.identity.id.as_deref().unwrap_or(Identity::UNKNOWN);
        let message = match &self.last {
            Some(seen) => format!("{} {id} in {}", seen.instance_type.name, seen.region.name),
            None => id.to_owned(),
        };
        Progress { status: status.to_owned(), message, ..Progress::default() }
    }

    fn failure(&self, why: &str) -> Error {
        let id = self.identity.id.as_deref().unwrap_or(Identity::UNKNOWN);
        Error::new(ErrorKind::OperationFailed, format!("instance {id}: {why}")).with(|e| {
            e.sent = Sent::Yes;
            e.marker = self.identity.marker.clone();
        })
    }
}

impl<G: Goal> Work for Presence<G> {
    type Output = G::Output;

    fn ticket(&self) -> Ticket {
        self.goal.facts(self.identity.ticket(G::KIND)).at(&self.lambda.place())
    }

    fn server(&self) -> &str {
        self.lambda.address()
    }

    /// Boots last long: an outage of some minutes is no reason to lose sight of a machine that costs money.
    fn silence(&self) -> Duration {
        Duration::from_secs(300)
    }

    fn look(&mut self, _: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(self.look_at_list())
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<G::Output, Error>> {
        let output = self.goal.output(&self.lambda, self.last.as_ref());
        let output = output.ok_or_else(|| self.failure("it was never seen"));
        Box::pin(async { output })
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<G::Output>, Error>> {
        let id = self.identity.id.as_deref().unwrap_or(Identity::UNKNOWN);
        let e = Error::new(ErrorKind::OperationGone, format!("the service knows no instance {id}"));
        let marker = self.identity.marker.clone();
        Box::pin(async { Err(e.with(|inner| inner.marker = marker)) })
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        let instance = self.identity.id.as_ref().map(|id| self.lambda.instance(id));
        let instance = instance.filter(|_| self.goal.cancels());
        let kind = G::KIND;
        Box::pin(async move {
            match instance {
                Some(instance) => instance.terminate().send().await.map(drop),
                None => Err(Error::new(ErrorKind::Conflict, format!("a {kind} can't be called off"))),
            }
        })
    }
}

/// The instance itself as the result of waiting for it.
pub(super) fn as_instance(lambda: &LambdaCloud, last: Option<&types::Instance>) -> Option<Instance> {
    last.map(|last| Instance::new(lambda, last.clone()))
}
