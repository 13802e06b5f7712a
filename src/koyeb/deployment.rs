//! Deployments: versions of a service.

use super::data::DeploymentInfo;
use super::goal::{Goal, Seen, Verdict, operation, progress};
use super::handle::handle;
use super::{DeploymentStatus, Koyeb, ServiceRef, Subject};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, BoxFuture, Operation};

handle! {
    /// A deployment: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let deployment = koyeb.deployment("c07e").until_healthy().timeout(Duration::from_secs(300)).await?;
    /// println!("{} is {}", deployment.id, deployment.status);
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://www.koyeb.com/docs/reference/deployments>
    Deployment, DeploymentInfo,
    /// A handle on a deployment of which only the id is known.
    DeploymentRef,
    /// A handle on a deployment, without asking the service.
    deployment
}

impl<D: Subject> Deployment<D> {
    /// Reads the deployment. [`Error::is_not_found`] where there is none.
    pub async fn get(&self) -> Result<Deployment, Error> {
        get(&self.koyeb, self.id()).await
    }

    /// Waits until it is healthy; fails as soon as it is cancelled, stopped or broken, or on its way there.
    ///
    /// One that sleeps, or is put aside for a newer one, is waited for too.
    pub fn until_healthy(&self) -> Operation<Deployment> {
        until_healthy(self)
    }

    /// Cancels it. Cancelled when `.await` returns; an error as soon as it has ended otherwise.
    pub fn cancel(&self) -> Action<Deployment> {
        let deployment = self.by_id();
        Action::new(async move {
            cancel(&deployment.koyeb, deployment.id()).await?;
            Ok(until(&deployment, Until::Cancelled))
        })
    }
}

impl Deployment {
    /// A handle on the service that it belongs to, if that is known.
    pub fn service(&self) -> Option<ServiceRef> {
        self.service_id.as_ref().map(|id| self.koyeb.service(id))
    }
}

async fn get(koyeb: &Koyeb, id: &str) -> Result<Deployment, Error> {
    let id = checked("id", id)?;
    let came = koyeb.raw().get_deployment().id(id).send().await?;
    Ok(Deployment::new(koyeb, DeploymentInfo::from(came)))
}

async fn cancel(koyeb: &Koyeb, id: &str) -> Result<(), Error> {
    let id = checked("id", id)?;
    koyeb.raw().cancel_deployment().id(id).send().await.map(|_| ())
}

pub(super) fn until_healthy<D: Subject>(deployment: &Deployment<D>) -> Operation<Deployment> {
    until(deployment, Until::Healthy)
}

fn until<D: Subject>(deployment: &Deployment<D>, until: Until) -> Operation<Deployment> {
    operation(&deployment.koyeb, Wanted { id: deployment.id().to_owned(), until })
}

/// Whether it will never be healthy again.
pub(super) fn is_lost(status: &DeploymentStatus) -> bool {
    Until::Healthy.verdict(status) == Verdict::Lost
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Healthy,
    Cancelled,
}

impl Until {
    const ALL: [(Self, &str); 2] = [(Self::Healthy, "healthy"), (Self::Cancelled, "cancelled")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(until, _)| *until == self).map_or("", |(_, word)| word)
    }

    fn verdict(self, status: &DeploymentStatus) -> Verdict {
        use DeploymentStatus as S;
        match (self, status) {
            (Self::Healthy, S::Healthy) | (Self::Cancelled, S::Canceled) => Verdict::Reached,
            (Self::Healthy, S::Canceling | S::Stopping | S::Erroring) => Verdict::Lost,
            (_, S::Canceled | S::Stopped | S::Error) => Verdict::Lost,
            _ => Verdict::Pending,
        }
    }
}

/// A deployment in some state.
struct Wanted {
    id: String,
    until: Until,
}

impl Goal for Wanted {
    type Output = Deployment;

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "deployment", &self.id).with("until", self.until.word())
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<Seen<Deployment>, Error>> {
        Box::pin(async {
            let thing = get(koyeb, &self.id).await?;
            let progress = progress("deployment", &self.id, thing.status.as_str(), &thing.messages);
            Ok(Seen { verdict: self.until.verdict(&thing.status), progress, thing })
        })
    }

    fn cancel<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(cancel(koyeb, &self.id))
    }
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Deployment>> {
    let word = ticket.fact("until").filter(|_| ticket.kind == "deployment")?;
    let (wanted, _) = *Until::ALL.iter().find(|(_, known)| *known == word)?;
    Some(until(&koyeb.deployment(ticket.id()), wanted))
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
        for (status, healthy, cancelled) in table {
            assert_eq!(Until::ALL.map(|(until, _)| until.verdict(&status)), [healthy, cancelled], "{status}");
        }
    }
}
