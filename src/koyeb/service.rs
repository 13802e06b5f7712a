//! Services: what instances belong to.

use std::future::IntoFuture;

use super::data::ServiceInfo;
use super::deployment::{self, Deployment, DeploymentRef};
use super::goal::{Goal, Seen, Verdict, operation, progress};
use super::handle::handle;
use super::{Koyeb, ServiceStatus, Subject, given};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, BoxFuture, Operation};

handle! {
    /// A service: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let shop = koyeb.service("8a41").get().await?;
    /// println!("{} is {}", shop.name, shop.status);
    /// shop.scale(3).await?;                                  // three healthy instances when this returns
    /// let deployment = shop.redeploy().use_cache().await?;   // healthy when this returns
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://www.koyeb.com/docs/reference/services>
    Service, ServiceInfo,
    /// A handle on a service of which only the id is known.
    ServiceRef,
    /// A handle on a service, without asking the service itself.
    service
}

impl<D: Subject> Service<D> {
    /// Reads the service. [`Error::is_not_found`] where there is none.
    pub async fn get(&self) -> Result<Service, Error> {
        get(&self.koyeb, self.id()).await
    }

    /// Pauses it: its instances stop. Paused when `.await` returns.
    pub fn pause(&self) -> Action<Service> {
        let service = self.by_id();
        Action::new(async move {
            service.koyeb.raw().pause_service().id(checked("id", service.id())?).send().await?;
            Ok(service.until(Until::Paused, None))
        })
    }

    /// Resumes it after a pause: a new deployment starts. Healthy when `.await` returns; an error as soon as that
    /// deployment fails.
    pub fn resume(&self) -> ResumeService {
        ResumeService { service: self.by_id(), skip_build: None, use_cache: None }
    }

    /// Its deployments, past ones included.
    pub fn deployments(&self) -> super::Deployments {
        self.koyeb.deployments().service(self.id())
    }

    /// Waits until it is healthy; fails as soon as it is deleted.
    pub fn until_healthy(&self) -> Operation<Service> {
        self.until(Until::Healthy, None)
    }

    /// Waits until it is paused; fails as soon as it is deleted.
    pub fn until_paused(&self) -> Operation<Service> {
        self.until(Until::Paused, None)
    }

    fn until(&self, until: Until, before: Option<String>) -> Operation<Service> {
        operation(&self.koyeb, Wanted { id: self.id().to_owned(), until, before })
    }
}

impl Service {
    /// A handle on the deployment that serves, if there is one.
    pub fn active_deployment(&self) -> Option<DeploymentRef> {
        self.active_deployment_id.as_ref().map(|id| self.koyeb.deployment(id))
    }

    /// A handle on the newest deployment, if there is one.
    pub fn latest_deployment(&self) -> Option<DeploymentRef> {
        self.latest_deployment_id.as_ref().map(|id| self.koyeb.deployment(id))
    }
}

async fn get(koyeb: &Koyeb, id: &str) -> Result<Service, Error> {
    let id = checked("id", id)?;
    let came = koyeb.raw().get_service().id(id).send().await?;
    Ok(Service::new(koyeb, ServiceInfo::from(came)))
}

/// A service to be resumed: `.await` it to see it through, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct ResumeService {
    service: ServiceRef,
    skip_build: Option<bool>,
    use_cache: Option<bool>,
}

impl ResumeService {
    /// Uses the image of the last build that worked.
    pub fn skip_build(mut self) -> Self {
        self.skip_build = Some(true);
        self
    }

    /// Builds with the cache of the last build.
    pub fn use_cache(mut self) -> Self {
        self.use_cache = Some(true);
        self
    }

    /// Sends the request; the rest goes on by itself.
    pub async fn send(self) -> Result<Operation<Service>, Error> {
        let Self { service, skip_build, use_cache } = self;
        let id = checked("id", service.id())?;
        // Only a deployment that isn't there yet tells how this ends.
        let before = service.get().await?.latest_deployment_id.clone();
        let request = given!(service.koyeb.raw().resume_service().id(id); skip_build = skip_build, use_cache = use_cache);
        request.send().await?;
        Ok(service.until(Until::Healthy, Some(before.unwrap_or_default())))
    }
}

impl IntoFuture for ResumeService {
    type Output = Result<Service, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Healthy,
    Paused,
}

impl Until {
    const ALL: [(Self, &str); 2] = [(Self::Healthy, "healthy"), (Self::Paused, "paused")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(until, _)| *until == self).map_or("", |(_, word)| word)
    }

    fn verdict(self, status: &ServiceStatus) -> Verdict {
        match (self, status) {
            (Self::Healthy, ServiceStatus::Healthy) | (Self::Paused, ServiceStatus::Paused) => {
                Verdict::Reached
            }
            (_, ServiceStatus::Deleting | ServiceStatus::Deleted) => Verdict::Lost,
            _ => Verdict::Pending,
        }
    }
}

/// A service in some state.
struct Wanted {
    id: String,
    until: Until,
    /// The newest deployment before: a newer one decides. `""`: there was none.
    before: Option<String>,
}

impl Wanted {
    /// The deployment that was to make the service healthy, if it never will.
    async fn lost_deployment(&self, koyeb: &Koyeb, service: &Service) -> Result<Option<Deployment>, Error> {
        let (Some(before), Some(latest)) = (&self.before, service.latest_deployment()) else {
            return Ok(None);
        };
        if before == latest.id() {
            return Ok(None);
        }
        let deployment = koyeb.deployment(latest.id()).get().await?;
        Ok(deployment::is_lost(&deployment.status).then_some(deployment))
    }
}

impl Goal for Wanted {
    type Output = Service;

    fn ticket(&self) -> Ticket {
        let ticket = Ticket::new("koyeb", "service", &self.id).with("until", self.until.word());
        match &self.before {
            Some(before) => ticket.with("before", before),
            None => ticket,
        }
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<Seen<Service>, Error>> {
        Box::pin(async {
            let thing = get(koyeb, &self.id).await?;
            let mut verdict = self.until.verdict(&thing.status);
            let mut shown = progress("service", &self.id, thing.status.as_str(), &thing.messages);
            if verdict == Verdict::Pending
                && let Some(lost) = self.lost_deployment(koyeb, &thing).await?
            {
                verdict = Verdict::Lost;
                shown = progress("deployment", lost.id(), lost.status.as_str(), &lost.messages);
            }
            Ok(Seen { verdict, progress: shown, thing })
        })
    }
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Service>> {
    let word = ticket.fact("until").filter(|_| ticket.kind == "service")?;
    let (until, _) = *Until::ALL.iter().find(|(_, known)| *known == word)?;
    Some(koyeb.service(ticket.id()).until(until, ticket.fact("before").map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_states_mean() {
        use ServiceStatus as S;
        use Verdict::{Lost, Pending, Reached};
        let table = [
            (S::Starting, Pending, Pending),
            (S::Healthy, Reached, Pending),
            (S::Degraded, Pending, Pending),
            (S::Unhealthy, Pending, Pending),
            (S::Deleting, Lost, Lost),
            (S::Deleted, Lost, Lost),
            (S::Pausing, Pending, Pending),
            (S::Paused, Pending, Reached),
            (S::Resuming, Pending, Pending),
            (S::from("MIGRATING"), Pending, Pending),
        ];
        for (status, healthy, paused) in table {
            assert_eq!(Until::ALL.map(|(until, _)| until.verdict(&status)), [healthy, paused], "{status}");
        }
    }
}
