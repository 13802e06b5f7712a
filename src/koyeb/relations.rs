//! Which things belong to which.

use super::deployment::{Deployment, DeploymentRef};
use super::instance::Instance;
use super::service::{Service, ServiceRef};

impl Instance {
    /// A handle on its service, if that is known. Sends nothing.
    pub fn service(&self) -> Option<ServiceRef> {
        self.service_id.as_ref().map(|id| self.koyeb.service(id))
    }
}

impl Deployment {
    /// A handle on its service, if that is known. Sends nothing.
    pub fn service(&self) -> Option<ServiceRef> {
        self.service_id.as_ref().map(|id| self.koyeb.service(id))
    }
}

impl Service {
    /// A handle on the deployment that serves, if there is one. Sends nothing.
    pub fn active_deployment(&self) -> Option<DeploymentRef> {
        self.active_deployment_id.as_ref().map(|id| self.koyeb.deployment(id))
    }

    /// A handle on the newest deployment, if there is one. Sends nothing.
    pub fn latest_deployment(&self) -> Option<DeploymentRef> {
        self.latest_deployment_id.as_ref().map(|id| self.koyeb.deployment(id))
    }
}
