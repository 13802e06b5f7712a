//! Restarting instances.

use super::presence::{Goal, Identity, Judgement, Presence, as_instance};
use super::reply::is_ambiguous;
use super::types::ActionReason;
use super::{Instance, InstanceStatus, LambdaCloud, Launch, Subject, types};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, Operation};

impl<D: Subject> Instance<D> {
    /// Restarts it, and waits until it is active again.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let gpu = lambda.instance("0920582c7ff041399e34823a0be62549").restart().await?;
    /// # let _ = gpu; Ok(()) }
    /// ```
    ///
    /// The service doesn't say when a restart is over. It counts as over when the instance is active after it was seen
    /// not to be, or after six looks at which it was active.
    ///
    /// An instance that boots already is [`ErrorKind::Conflict`](crate::ErrorKind::Conflict). Where the answer is lost, the
    /// instance itself tells whether it restarts; the request is not sent again.
    pub fn restart(&self) -> Action<Instance> {
        let this = self.known();
        Action::new(async move {
            let id = checked("id", this.id())?;
            let goal = match post(&this.lambda, id).await {
                Ok(instance) => Restarted::after(instance.as_ref()),
                Err(e) if is_ambiguous(&e) && restarts(&this).await => Restarted { changed: true, calm: 0 },
                Err(e) => return Err(e),
            };
            Ok(Presence::operation(&this.lambda, Identity::known(this.id()), goal, Launch::WINDOW))
        })
    }
}

async fn post(lambda: &LambdaCloud, id: &str) -> Result<Option<types::Instance>, Error> {
    let body = types::InstanceIds { instance_ids: vec![id.to_owned()] };
    let reply = lambda.raw().instances_restart().body(body).send().await?;
    Ok(reply.restarted_instances.into_iter().find(|instance| instance.id == id))
}

/// Whether a restart whose answer was lost is under way.
async fn restarts(instance: &super::InstanceRef) -> bool {
    instance.get().await.is_ok_and(|instance| !is_calm(&instance))
}

/// Active again.
#[derive(Debug, Clone, Copy, Default)]
struct Restarted {
    /// It was seen to restart.
    changed: bool,
    /// How often in a row it looked as if nothing were the matter, or as if nothing would become of it.
    calm: u32,
}

/// So many looks without a sign of a restart.
const ENOUGH: u32 = 6;

impl Restarted {
    fn after(instance: Option<&types::Instance>) -> Self {
        Self { changed: instance.is_some_and(|instance| !is_calm(instance)), calm: 0 }
    }

    /// An end, if it isn't from before the restart.
    fn end(&mut self, judgement: Judgement) -> Judgement {
        self.calm += 1;
        if self.changed || self.calm >= ENOUGH { judgement } else { Judgement::Running }
    }
}

fn is_calm(instance: &types::Instance) -> bool {
    let restart = instance.actions.as_ref().and_then(|actions| actions.restart.as_ref());
    let busy = restart.and_then(|restart| restart.reason_code.as_ref());
    instance.status == InstanceStatus::Active && busy != Some(&ActionReason::VmActionInProgress)
}

impl Goal for Restarted {
    type Output = Instance;

    const KIND: &'static str = "restart";

    fn judge(&mut self, instance: &types::Instance) -> Judgement {
        match instance.status {
            InstanceStatus::Active if is_calm(instance) && instance.address().is_some() => {
                self.end(Judgement::Done)
            }
            InstanceStatus::Terminated => Judgement::Failed("it is terminated"),
            InstanceStatus::Terminating => Judgement::Failed("it is being terminated"),
            InstanceStatus::Preempted => Judgement::Failed("it is preempted"),
            // It may have been so before, and a restart may be the cure.
            InstanceStatus::Unhealthy => {
                self.end(Judgement::Failed("it is unhealthy, and goes on costing money"))
            }
            _ => {
                *self = Self { changed: true, calm: 0 };
                Judgement::Running
            }
        }
    }

    fn output(&self, lambda: &LambdaCloud, last: Option<&types::Instance>) -> Option<Instance> {
        as_instance(lambda, last)
    }
}

pub(super) fn resume(lambda: &LambdaCloud, ticket: &Ticket) -> Option<Operation<Instance>> {
    let identity = (ticket.kind == Restarted::KIND).then(|| Identity::of_ticket(ticket))??;
    Some(Presence::operation(lambda, identity, Restarted::default(), Launch::WINDOW))
}
