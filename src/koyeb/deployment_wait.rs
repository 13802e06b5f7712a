//! Waiting for states of a deployment, and cancelling it.

use super::client::Koyeb;
use super::deployment::{Deployment, DeploymentRef};
use super::types::DeploymentStatus;
use super::waits::{self, Verdict, progress};
use crate::error::Error;
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation, Until};

impl<D: Identified> Deployment<D> {
    /// Waits until it is healthy.
    ///
    /// A deployment that sleeps, or that is replaced by a newer one, is waited for too.
    ///
    /// # Errors
    ///
    /// [`WaitEnd::Failed`](crate::WaitEnd::Failed) as soon as it is cancelled, stopped or broken, or on its way there;
    /// otherwise those of [`Until`].
    pub fn until_healthy(&self) -> Until<Deployment> {
        waits::until(&self.koyeb, Healthy(self.reference()))
    }

    /// Cancels it. It is cancelled when `.await` returns.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::ErrorKind::Conflict) if it is too late, [`NotFound`](crate::ErrorKind::NotFound) if there is
    /// none, [`OperationFailed`](crate::ErrorKind::OperationFailed) as soon as it has ended in another way, and those of
    /// [every request](Koyeb#errors).
    pub fn cancel(&self) -> Action<()> {
        let deployment = self.reference();
        Action::new(async move {
            cancel(&deployment.koyeb, deployment.id()).await?;
            Ok(waits::operation(&deployment.koyeb.clone(), Cancelled(deployment)))
        })
    }
}

async fn cancel(koyeb: &Koyeb, id: &str) -> Result<(), Error> {
    let id = checked("id", id)?;
    koyeb.raw().cancel_deployment().id(id).send().await.map(|_| ())
}

/// An operation that ends when the deployment is healthy; cancelling it cancels the deployment.
pub(super) fn until_healthy(deployment: &Deployment) -> Operation<Deployment> {
    waits::operation(&deployment.koyeb, Healthy(deployment.reference()))
}

/// Whether it will never be healthy again.
pub(super) fn is_lost(status: &DeploymentStatus) -> bool {
    healthy(status) == Verdict::Lost
}

fn healthy(status: &DeploymentStatus) -> Verdict {
    use DeploymentStatus as S;
    match status {
        S::Healthy => Verdict::Reached,
        S::Canceling | S::Canceled | S::Stopping | S::Stopped | S::Erroring | S::Error => Verdict::Lost,
        _ => Verdict::Pending,
    }
}

fn cancelled(status: &DeploymentStatus) -> Verdict {
    use DeploymentStatus as S;
    match status {
        S::Canceled => Verdict::Reached,
        S::Stopped | S::Error => Verdict::Lost,
        _ => Verdict::Pending,
    }
}

/// A deployment that is healthy.
struct Healthy(DeploymentRef);

impl Goal<Koyeb> for Healthy {
    type Output = Deployment;

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "deployment", self.0.id()).with("until", "healthy")
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<Deployment>, Error>> {
        Box::pin(async {
            let seen = self.0.get_by(koyeb).await?;
            let progress = progress("deployment", seen.id(), seen.status.as_str(), &seen.messages);
            Ok(healthy(&seen.status).of(progress, seen))
        })
    }

    fn cancel<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(cancel(koyeb, self.0.id()))
    }
}

/// A deployment that is cancelled.
struct Cancelled(DeploymentRef);

impl Goal<Koyeb> for Cancelled {
    type Output = ();

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "deployment", self.0.id()).with("until", "cancelled")
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async {
            let seen = self.0.get_by(koyeb).await?;
            let progress = progress("deployment", seen.id(), seen.status.as_str(), &seen.messages);
            Ok(cancelled(&seen.status).of(progress, ()))
        })
    }
}

fn is_until(ticket: &Ticket, state: &str) -> bool {
    ticket.kind == "deployment" && ticket.fact("until") == Some(state)
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Deployment>> {
    is_until(ticket, "healthy").then(|| waits::operation(koyeb, Healthy(koyeb.deployment(ticket.id()))))
}

pub(super) fn resume_cancel(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<()>> {
    is_until(ticket, "cancelled").then(|| waits::operation(koyeb, Cancelled(koyeb.deployment(ticket.id()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_states_mean() {
        use DeploymentStatus as S;
        use Verdict::{Lost, Pending, Reached};
        let table = [
            (S::Pending, Pending, Pending),
            (S::Provisioning, Pending, Pending),
            (S::Scheduled, Pending, Pending),
            (S::Canceling, Lost, Pending),
            (S::Canceled, Lost, Reached),
            (S::Allocating, Pending, Pending),
            (S::Starting, Pending, Pending),
            (S::Healthy, Reached, Pending),
            (S::Degraded, Pending, Pending),
            (S::Unhealthy, Pending, Pending),
            (S::Stopping, Lost, Pending),
            (S::Stopped, Lost, Lost),
            (S::Erroring, Lost, Pending),
            (S::Error, Lost, Lost),
            (S::Stashed, Pending, Pending),
            (S::Sleeping, Pending, Pending),
            (S::from("TELEPORTING"), Pending, Pending),
        ];
        for (status, is_healthy, is_cancelled) in table {
            assert_eq!((healthy(&status), cancelled(&status)), (is_healthy, is_cancelled), "{status}");
        }
    }
}
