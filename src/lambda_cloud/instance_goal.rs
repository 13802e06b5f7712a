//! What launch, restart and termination wait for, as goals of the polling loop.

use std::time::Duration;

use tokio::time::Instant;

use super::client::LambdaCloud;
use super::instance::InstanceRef;
use super::reconcile::MARKER;
use super::types;
use crate::error::{Error, ErrorKind, Sent};
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Interval, Polled, Seen};
use crate::wait::{BoxFuture, Operation, Progress, Until};

/// The default limit of a wait: the largest machines boot for 25 minutes.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Where an instance is expected to get.
pub(super) trait Destination: Send + Sync + 'static {
    type Output: Send + 'static;

    const KIND: &'static str;

    fn facts(&self, ticket: Ticket) -> Ticket {
        ticket
    }

    /// What the state of an instance means.
    fn judge(&mut self, instance: &types::Instance) -> Judgement;

    /// The result, once the instance is there.
    fn output(&self, lambda: &LambdaCloud, instance: &types::Instance) -> Self::Output;

    /// The result if the service knows no such instance; `None` if that isn't an end.
    fn output_when_absent(&self) -> Option<Self::Output> {
        None
    }

    /// Stops the work. The instance is known unless the answer to its launch was lost.
    fn cancel(&self, _: Option<InstanceRef>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async { Err(not_cancelled(Self::KIND)) })
    }
}

pub(super) fn not_cancelled(kind: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("a {kind} can't be cancelled"))
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
    /// `None` if the answer to the launch was lost and the instance hasn't been found yet.
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
        let ticket = Ticket::new("lambda-cloud", kind, self.shown());
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

    fn shown(&self) -> &str {
        self.id.as_deref().unwrap_or(Self::UNKNOWN)
    }

    fn is(&self, instance: &types::Instance) -> bool {
        match &self.id {
            Some(id) => instance.id == *id,
            None => self.marker.is_some() && instance.tag(MARKER) == self.marker.as_deref(),
        }
    }
}

/// An operation that ends when the instance gets there. `window` is how long it may take to show in the list at all.
pub(super) fn operation<D: Destination>(
    lambda: &LambdaCloud,
    identity: Identity,
    destination: D,
    window: Duration,
) -> Operation<D::Output> {
    let goal = InstanceGoal::new(identity, destination, window);
    Polled::operation(lambda.clone(), goal, &Interval::Even(lambda.0.interval)).timeout(LIMIT)
}

/// The same wait without a request that started anything.
pub(super) fn until<D: Destination>(
    lambda: &LambdaCloud,
    identity: Identity,
    destination: D,
    window: Duration,
) -> Until<D::Output> {
    let goal = InstanceGoal::new(identity, destination, window);
    Until::new(Polled::new(lambda.clone(), goal, &Interval::Even(lambda.0.interval))).timeout(LIMIT)
}

/// An instance on its way to a destination.
struct InstanceGoal<D> {
    identity: Identity,
    destination: D,
    since: Instant,
    window: Duration,
    last: Option<types::Instance>,
}

impl<D: Destination> InstanceGoal<D> {
    fn new(identity: Identity, destination: D, window: Duration) -> Self {
        Self { identity, destination, since: Instant::now(), window, last: None }
    }

    async fn look_at_list(&mut self, lambda: &LambdaCloud) -> Result<Seen<D::Output>, Error> {
        let all = lambda.listed(self.since).await?;
        let found = all.iter().filter(|instance| self.identity.is(instance));
        // An earlier launch with the same key may have left one.
        match found.min_by_key(|instance| instance.is_leaving()) {
            Some(instance) => Ok(self.judge(lambda, instance.clone())),
            None => self.look_closer(lambda).await,
        }
    }

    /// Not listed, which alone proves nothing.
    async fn look_closer(&mut self, lambda: &LambdaCloud) -> Result<Seen<D::Output>, Error> {
        let may_show_up = self.last.is_none() && self.since.elapsed() < self.window;
        if may_show_up && self.destination.output_when_absent().is_none() {
            return Ok(Seen::Pending(self.progress("not listed yet")));
        }
        let Some(id) = &self.identity.id else { return Ok(Seen::Gone) };
        Ok(match lambda.found(id).await? {
            Some(instance) => self.judge(lambda, instance),
            None => self.vanished(),
        })
    }

    fn vanished(&self) -> Seen<D::Output> {
        match (self.destination.output_when_absent(), &self.last) {
            (Some(output), _) => Seen::Reached(self.progress("gone"), output),
            (None, Some(_)) => Seen::Failed(self.failure("it has vanished")),
            (None, None) => Seen::Gone,
        }
    }

    fn judge(&mut self, lambda: &LambdaCloud, instance: types::Instance) -> Seen<D::Output> {
        let judgement = self.destination.judge(&instance);
        let output = (judgement == Judgement::Done).then(|| self.destination.output(lambda, &instance));
        let status = instance.status.to_string();
        self.identity.id.get_or_insert_with(|| instance.id.clone());
        self.last = Some(instance);
        match (judgement, output) {
            (Judgement::Failed(why), _) => Seen::Failed(self.failure(why)),
            (_, Some(output)) => Seen::Reached(self.progress(&status), output),
            (_, None) => Seen::Pending(self.progress(&status)),
        }
    }

    fn progress(&self, status: &str) -> Progress {
        let id = self.identity.shown();
        let message = match &self.last {
            Some(seen) => format!("{} {id} in {}", seen.instance_type.name, seen.region.name),
            None => id.to_owned(),
        };
        Progress { status: status.to_owned(), message, ..Progress::default() }
    }

    fn failure(&self, why: &str) -> Error {
        let message = format!("instance {}: {why}", self.identity.shown());
        Error::new(ErrorKind::OperationFailed, message).with(|e| {
            e.sent = Sent::Yes;
            e.marker = self.identity.marker.clone();
        })
    }
}

impl<D: Destination> Goal<LambdaCloud> for InstanceGoal<D> {
    type Output = D::Output;

    fn ticket(&self) -> Ticket {
        self.destination.facts(self.identity.ticket(D::KIND))
    }

    fn look<'a>(
        &'a mut self,
        lambda: &'a LambdaCloud,
        _: bool,
    ) -> BoxFuture<'a, Result<Seen<D::Output>, Error>> {
        Box::pin(self.look_at_list(lambda))
    }

    fn when_gone(&mut self) -> Result<Option<D::Output>, Error> {
        let message = format!("the service knows no instance {}", self.identity.shown());
        let gone = Error::new(ErrorKind::OperationGone, message);
        Err(gone.with(|e| e.marker = self.identity.marker.clone()))
    }

    fn cancel<'a>(&'a mut self, lambda: &'a LambdaCloud) -> BoxFuture<'a, Result<(), Error>> {
        self.destination.cancel(self.identity.id.as_ref().map(|id| lambda.instance(id)))
    }

    /// Boots last long: an outage of some minutes is no reason to lose sight of a machine that costs money.
    fn silence(&self) -> Duration {
        Duration::from_secs(300)
    }
}
