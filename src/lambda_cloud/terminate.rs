//! Terminating instances: until they are gone and cost nothing any more.

use super::client::LambdaCloud;
use super::instance::{Instance, InstanceRef};
use super::instance_goal::{Destination, Identity, Judgement, operation};
use super::reconcile::WINDOW;
use super::reply::is_ambiguous;
use super::types::{self, InstanceStatus};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, Operation};

impl<D: Identified> Instance<D> {
    /// Terminates it, and waits until it is gone. What is on its disks is lost; file systems stay.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// lambda.instance("0920582c7ff041399e34823a0be62549").terminate().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// An instance that is already on its way out is a success. If the answer is lost, the instance itself tells, and
    /// the request is sent again if necessary: terminating twice does no harm.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the service doesn't know the id, those of
    /// [every request](LambdaCloud#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    #[doc(alias = "delete")]
    pub fn terminate(&self) -> Action<()> {
        let instance = self.reference();
        Action::new(async move {
            insist(&instance).await?;
            Ok(operation(&instance.lambda, Identity::known(instance.id()), Terminated, WINDOW))
        })
    }
}

/// Until the service has accepted it, or there is nothing left to do.
async fn insist(instance: &InstanceRef) -> Result<(), Error> {
    const MOST: u32 = 3;
    let mut may_have_worked = false;
    for attempt in 1.. {
        let Err(e) = post(instance).await else { return Ok(()) };
        if e.sent() == Sent::No || is_final(e.kind()) {
            return Err(e);
        }
        let lost = is_ambiguous(&e);
        may_have_worked |= lost;
        match instance.get().await {
            Ok(seen) if seen.is_leaving() => return Ok(()),
            Err(looked) if may_have_worked && looked.tells_absence() => return Ok(()),
            _ if !lost || attempt >= MOST => return Err(e),
            _ => tokio::time::sleep(instance.lambda.0.interval).await,
        }
    }
    Ok(())
}

async fn post(instance: &InstanceRef) -> Result<(), Error> {
    let id = checked("id", instance.id())?;
    let body = types::InstanceIds { instance_ids: vec![id.to_string()] };
    instance.lambda.raw().instances_terminate().body(body).send().await.map(drop)
}

/// Errors that say nothing of the instance.
fn is_final(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::RateLimited)
}

/// Gone.
#[derive(Debug, Clone, Copy)]
struct Terminated;

impl Destination for Terminated {
    type Output = ();

    const KIND: &'static str = "terminate";

    fn judge(&mut self, instance: &types::Instance) -> Judgement {
        match instance.status {
            InstanceStatus::Terminated | InstanceStatus::Preempted => Judgement::Done,
            _ => Judgement::Running,
        }
    }

    fn output(&self, _: &LambdaCloud, _: &types::Instance) {}

    fn output_when_absent(&self) -> Option<()> {
        Some(())
    }
}

pub(super) fn resume(lambda: &LambdaCloud, ticket: &Ticket) -> Option<Operation<()>> {
    let identity = (ticket.kind == Terminated::KIND).then(|| Identity::of_ticket(ticket))??;
    Some(operation(lambda, identity, Terminated, WINDOW))
}
