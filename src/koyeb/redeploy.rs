//! Deploying a service again.

use super::deployment::Deployment;
use super::deployment_wait::until_healthy;
use super::service::{Service, ServiceRef};
use super::{reply, types};
use crate::error::Error;
use crate::handle::Identified;
use crate::wait::{Operation, into_future};

impl<D: Identified> Service<D> {
    /// Deploys it again: the same definition, built and started anew.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let deployment = koyeb.service("8a41").redeploy().sha("0f3a").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer is lost: the request is never repeated blindly.
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such service,
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) as soon as the deployment fails,
    /// [`Cancelled`](crate::ErrorKind::Cancelled) if it is cancelled, those of [every request](super::Koyeb#errors), and
    /// those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn redeploy(&self) -> Redeploy {
        let request =
            types::RedeployRequest { deployment_group: None, sha: None, skip_build: None, use_cache: None };
        Redeploy { service: self.reference(), request }
    }
}

/// Deploys a service again; from [`Service::redeploy`].
///
/// `.await` it for the healthy deployment, or [`send`](Self::send) it and keep the operation. Cancelling the operation
/// cancels the deployment.
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

    /// Sends the request; the deployment then proceeds by itself.
    ///
    /// # Errors
    ///
    /// Those of [`Service::redeploy`], without those of the wait.
    pub async fn send(self) -> Result<Operation<Deployment>, Error> {
        let Self { service, request } = self;
        let call = service.koyeb.raw().redeploy_service().id(service.id()).body(request).send();
        let (came, head) = call.with_head().await.map_err(reply::unclear)?;
        let deployment = Deployment::new(&service.koyeb, came);
        if deployment.id.is_empty() {
            return Err(head.facts().bad_reply("the reply has no id of the deployment"));
        }
        Ok(until_healthy(&deployment))
    }
}

into_future!(Redeploy => Deployment: send);
