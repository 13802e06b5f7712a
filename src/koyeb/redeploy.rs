//! Deploying a service again.

use std::future::IntoFuture;

use super::data::DeploymentInfo;
use super::deployment::{self, Deployment};
use super::{Service, ServiceRef, Subject, reply, types};
use crate::error::Error;
use crate::wait::{BoxFuture, Operation};

impl<D: Subject> Service<D> {
    /// Deploys it again: the same definition, built and started anew.
    pub fn redeploy(&self) -> Redeploy {
        let request =
            types::RedeployRequest { deployment_group: None, sha: None, skip_build: None, use_cache: None };
        Redeploy { service: self.by_id(), request }
    }
}

/// A service to be deployed again: `.await` it for the healthy deployment, or [`send`](Self::send) it and keep the
/// operation.
///
/// The request is never repeated blindly: where its answer is lost, the error is of
/// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown). To cancel the operation cancels the deployment.
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
        let call = service.koyeb.raw().redeploy_service().id(service.id()).body(request).send();
        let (came, head) = call.with_head().await.map_err(reply::unclear)?;
        let deployment = Deployment::new(&service.koyeb, DeploymentInfo::from(came));
        if deployment.id.is_empty() {
            return Err(head.facts().bad_reply("the reply has no id of the deployment"));
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
