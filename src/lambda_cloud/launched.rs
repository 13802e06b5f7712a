//! What a launch is to end in, and finding it again.

use super::client::LambdaCloud;
use super::instance::{Instance, InstanceRef};
use super::instance_goal::{Destination, Identity, Judgement, not_cancelled, operation, until};
use super::reconcile::{MARKER, WINDOW};
use super::types::{self, InstanceStatus};
use crate::error::Error;
use crate::handle::Identified;
use crate::launch_marker::Marker;
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation, Until};

impl LambdaCloud {
    /// The instance made by the launch with this [marker](super::Launch::marker) or [key](super::Launch::key), if there is one that
    /// isn't being terminated, or gone.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// if let Some(gpu) = lambda.launched("job-17").await? {
    ///     gpu.terminate().await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::ErrorKind::Conflict) with all ids if there are several, and those of
    /// [every request](LambdaCloud#errors).
    #[doc(alias = "find_by_marker")]
    pub async fn launched(&self, marker: &str) -> Result<Option<Instance>, Error> {
        let mut found = self.instances().label(MARKER, marker).await?;
        found.retain(|instance| !instance.is_leaving());
        let only = Marker::only(marker, found, Instance::id);
        only.map_err(|e| self.label("instances_list", "").on(e))
    }
}

impl<D: Identified> Instance<D> {
    /// Waits until it is active and has an address: what a launch waits for, too.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// // Another process has launched it.
    /// if let Some(gpu) = lambda.launched("job-17").await? {
    ///     let gpu = gpu.until_active().await?;
    ///     println!("{}", gpu.ssh_command().unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// The limit is 30 minutes if [`timeout`](Until::timeout) doesn't set another. [`LambdaCloud::resume`] continues from
    /// its ticket.
    ///
    /// # Errors
    ///
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) if the instance is terminated, preempted or unhealthy, and
    /// those of every wait ([`WaitEnd`](crate::WaitEnd)).
    #[doc(alias = "until_running")]
    pub fn until_active(&self) -> Until<Instance> {
        until(&self.lambda, Identity::known(self.id()), Launched { patient: false }, WINDOW)
    }
}

/// Active, and with an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launched {
    /// An unhealthy phase is waited out.
    pub(super) patient: bool,
}

impl Destination for Launched {
    type Output = Instance;

    const KIND: &'static str = "launch";

    fn facts(&self, ticket: Ticket) -> Ticket {
        if self.patient { ticket.with("unhealthy", "wait") } else { ticket }
    }

    fn judge(&mut self, instance: &types::Instance) -> Judgement {
        match instance.status {
            InstanceStatus::Active if instance.address().is_some() => Judgement::Done,
            InstanceStatus::Terminated => Judgement::Failed("it is terminated"),
            InstanceStatus::Terminating => Judgement::Failed("it is being terminated"),
            InstanceStatus::Preempted => Judgement::Failed("it is preempted"),
            InstanceStatus::Unhealthy if !self.patient => {
                Judgement::Failed("it is unhealthy, and goes on costing money")
            }
            // A state that this version doesn't know is no end.
            _ => Judgement::Running,
        }
    }

    fn output(&self, lambda: &LambdaCloud, instance: &types::Instance) -> Instance {
        Instance::new(lambda, instance.clone())
    }

    fn cancel(&self, instance: Option<InstanceRef>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async {
            match instance {
                Some(instance) => instance.terminate().send().await.map(drop),
                None => Err(not_cancelled(Self::KIND)),
            }
        })
    }
}

pub(super) fn resume(lambda: &LambdaCloud, ticket: &Ticket) -> Option<Operation<Instance>> {
    let goal = Launched { patient: ticket.fact("unhealthy") == Some("wait") };
    let identity = (ticket.kind == Launched::KIND).then(|| Identity::of_ticket(ticket))??;
    Some(operation(lambda, identity, goal, WINDOW))
}
