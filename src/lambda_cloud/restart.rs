//! Restarting instances.

use super::client::LambdaCloud;
use super::instance::{Instance, InstanceRef};
use super::instance_goal::{Destination, Identity, Judgement, operation};
use super::reconcile::WINDOW;
use super::reply::is_ambiguous;
use super::types::{self, ActionReason, InstanceStatus};
use crate::error::Error;
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, Operation};

impl<D: Identified> Instance<D> {
    /// Restarts it, and waits until it is active again.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// lambda.instance("0920582c7ff041399e34823a0be62549").restart().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The service doesn't say when a restart is over. It counts as over when the instance is active after it was seen
    /// in another state, or after six looks that found it active.
    ///
    /// If the answer is lost, the instance itself tells whether it restarts; the request is not sent again.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::ErrorKind::Conflict) if it is booting already,
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) if it is terminated, preempted or unhealthy, those of
    /// [every request](LambdaCloud#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn restart(&self) -> Action<()> {
        let instance = self.reference();
        Action::new(async move {
            let id = checked("id", instance.id())?;
            let goal = match post(&instance.lambda, id).await {
                Ok(restarted) => Restarted::after(restarted.as_ref()),
                Err(e) if is_ambiguous(&e) && restarts(&instance).await => {
                    Restarted { changed: true, calm: 0 }
                }
                Err(e) => return Err(e),
            };
            Ok(operation(&instance.lambda, Identity::known(id), goal, WINDOW))
        })
    }
}

async fn post(lambda: &LambdaCloud, id: &str) -> Result<Option<types::Instance>, Error> {
    let body = types::InstanceIds { instance_ids: vec![id.to_owned()] };
    let reply = lambda.raw().instances_restart().body(body).send().await?;
    Ok(reply.restarted_instances.into_iter().find(|instance| instance.id == id))
}

/// Whether a restart whose answer was lost is under way.
async fn restarts(instance: &InstanceRef) -> bool {
    instance.get().await.is_ok_and(|instance| !is_calm(&instance))
}

/// Active again.
#[derive(Debug, Clone, Copy, Default)]
struct Restarted {
    /// It was seen to restart.
    changed: bool,
    /// How many looks in a row showed a state that may be from before the restart.
    calm: u32,
}

/// After this many looks without a sign of a restart, what is seen counts.
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

impl Destination for Restarted {
    type Output = ();

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

    fn output(&self, _: &LambdaCloud, _: &types::Instance) {}
}

pub(super) fn resume(lambda: &LambdaCloud, ticket: &Ticket) -> Option<Operation<()>> {
    let identity = (ticket.kind == Restarted::KIND).then(|| Identity::of_ticket(ticket))??;
    Some(operation(lambda, identity, Restarted::default(), WINDOW))
}
