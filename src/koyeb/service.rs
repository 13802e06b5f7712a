//! Services: what instances belong to.

use std::future::IntoFuture;

use super::data::{DeploymentInfo, ServiceInfo};
use super::deployment::{self, Deployment, DeploymentRef};
use super::goal::{Goal, Seen, Verdict, operation, progress};
use super::handle::handle;
use super::pager::{self, Came, Item, Spot};
use super::{Koyeb, ServiceStatus, ServiceType, Subject, checked_id, given, push, reply, types};
use crate::error::Error;
use crate::page::List;
use crate::ticket::Ticket;
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
            let call = service.koyeb.call();
            let result = call.pause_service().id(checked_id(service.id())?).send().await;
            call.done(result).await?;
            Ok(service.until(Until::Paused, None))
        })
    }

    /// Resumes it after a pause: a new deployment starts. Healthy when `.await` returns; an error as soon as that
    /// deployment fails.
    pub fn resume(&self) -> ResumeService {
        ResumeService { service: self.by_id(), skip_build: None, use_cache: None }
    }

    /// Deploys it again: the same definition, built and started anew.
    pub fn redeploy(&self) -> Redeploy {
        let request =
            types::RedeployRequest { deployment_group: None, sha: None, skip_build: None, use_cache: None };
        Redeploy { service: self.by_id(), request }
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
    let id = checked_id(id)?;
    let call = koyeb.call();
    let result = call.get_service().id(id).send().await;
    let reply = call.done(result).await?.into_inner();
    let came = reply.service.ok_or_else(|| reply::missing(&call, "service"))?;
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
        let id = checked_id(service.id())?;
        // Only a deployment that isn't there yet tells how this ends.
        let before = service.get().await?.latest_deployment_id.clone();
        let call = service.koyeb.call();
        let request = given!(call.resume_service().id(id); skip_build = skip_build, use_cache = use_cache);
        let result = request.send().await;
        call.done(result).await?;
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

/// A service to be deployed again: `.await` it for the healthy deployment, or [`send`](Self::send) it and keep the
/// operation.
///
/// The request is never repeated blindly: where its answer is lost, the error is of
/// [`Kind::OutcomeUnknown`](crate::Kind::OutcomeUnknown). To cancel the operation cancels the deployment.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Redeploy {
    service: ServiceRef,
    request: types::RedeployRequest,
}

impl Redeploy {
    /// Builds this commit instead of the newest.
    pub fn sha(mut self, commit: impl Into<String>) -> Self {
        self.request.sha = Some(commit.into());
        self
    }

    /// Builds with the cache of the last build.
    pub fn use_cache(mut self) -> Self {
        self.request.use_cache = Some(true);
        self
    }

    /// Uses the image of the last build that worked.
    pub fn skip_build(mut self) -> Self {
        self.request.skip_build = Some(true);
        self
    }

    /// Only this group of deployments.
    pub fn deployment_group(mut self, group: impl Into<String>) -> Self {
        self.request.deployment_group = Some(group.into());
        self
    }

    /// Sends the request; the deployment goes on by itself.
    pub async fn send(self) -> Result<Operation<Deployment>, Error> {
        let Self { service, request } = self;
        let id = checked_id(service.id())?;
        let call = service.koyeb.call();
        let result = call.redeploy_service().id(id).body(request).send().await;
        let reply = call.done(result).await.map_err(reply::unclear)?.into_inner();
        let came = reply.deployment.ok_or_else(|| reply::missing(&call, "deployment"))?;
        let deployment = Deployment::new(&service.koyeb, DeploymentInfo::from(came));
        if deployment.id.is_empty() {
            return Err(reply::missing(&call, "id of the deployment"));
        }
        Ok(deployment::until_healthy(&deployment))
    }
}

impl IntoFuture for Redeploy {
    type Output = Result<Deployment, Error>;
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

/// Which services; from [`Koyeb::services`].
#[derive(Debug, Clone)]
#[must_use = "nothing is fetched before the list is read"]
pub struct Services {
    koyeb: Koyeb,
    app: Option<String>,
    name: Option<String>,
    types: Option<Vec<ServiceType>>,
    statuses: Option<Vec<ServiceStatus>>,
    regions: Option<Vec<String>>,
    ids: Option<Vec<String>>,
    page_size: Option<u32>,
}

impl Koyeb {
    /// The services of the organization, to be narrowed down and listed.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let shops = koyeb.services().name("shop").list().all().await?;
    /// # Ok(()) }
    /// ```
    pub fn services(&self) -> Services {
        Services {
            koyeb: self.clone(),
            app: None,
            name: None,
            types: None,
            statuses: None,
            regions: None,
            ids: None,
            page_size: None,
        }
    }
}

impl Services {
    /// Only those of this app, by its id.
    pub fn app(mut self, id: impl Into<String>) -> Self {
        self.app = Some(id.into());
        self
    }

    /// Only those of this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only those of this type, or of those named so.
    pub fn service_type(mut self, service_type: ServiceType) -> Self {
        push(&mut self.types, service_type);
        self
    }

    /// Only those in this state, or in one of those named so.
    pub fn status(mut self, status: ServiceStatus) -> Self {
        push(&mut self.statuses, status);
        self
    }

    /// Only those in this region, or in those named so.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        push(&mut self.regions, region.into());
        self
    }

    /// Only the one of this id, or those named so.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        push(&mut self.ids, id.into());
        self
    }

    /// How many are asked for at a time: 1 to 100, and 100 if not set.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = Some(items);
        self
    }

    /// The list as a stream over all pages.
    pub fn list(self) -> List<Service> {
        pager::list(self.page_size, move |spot| {
            let query = self.clone();
            Box::pin(async move { query.page(spot).await })
        })
    }

    async fn page(self, spot: Spot) -> Result<Came<Service>, Error> {
        let call = self.koyeb.call();
        let request = given!(call.list_services().limit(spot.limit).offset(spot.offset);
            app_id = self.app,
            name = self.name,
            types = self.types,
            statuses = self.statuses,
            regions = self.regions,
            ids = self.ids.clone(),
        );
        let result = request.send().await;
        let reply = call.done(result).await?.into_inner();
        let items = reply.services.into_iter();
        let items = items.map(|came| Service::new(&self.koyeb, ServiceInfo::from(came))).collect();
        Ok(Came { items, count: reply.count, has_next: reply.has_next, ids: self.ids })
    }
}

impl Item for Service {
    fn id(&self) -> &str {
        &self.id
    }
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
