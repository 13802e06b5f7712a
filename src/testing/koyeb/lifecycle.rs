//! What takes its time: deployments, pausing, scaling, snapshots.

use std::sync::Arc;

use serde_json::{Value, json};

use super::documents;
use super::reply::{Answer, body, invalid, not_found, ok, precondition};
use super::world::{State, World};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// How many instances of a service one region may have.
const MOST: u64 = 1_000;

/// What counts as running.
const ALIVE: [&str; 5] = ["ALLOCATING", "STARTING", "HEALTHY", "UNHEALTHY", "SLEEPING"];

impl World {
    async fn step(&self) {
        let pace = *lock(&self.pace);
        tokio::time::sleep(pace).await;
    }

    pub(super) fn redeploy(self: &Arc<Self>, service: &str) -> Answer {
        let deployment = {
            let mut state = lock(&self.state);
            state.services.iter().find(|one| one["id"] == service).ok_or_else(|| not_found("service"))?;
            let deployment = state.add_deployment(service);
            state.find(&deployment).cloned().unwrap_or_default()
        };
        self.deploy(service, &deployment);
        ok(&json!({"deployment": deployment}))
    }

    fn deploy(self: &Arc<Self>, service: &str, deployment: &Value) {
        let (world, service) = (self.clone(), service.to_owned());
        let id = deployment["id"].as_str().unwrap_or_default().to_owned();
        let doom = lock(&self.state).doomed.pop();
        self.work.spawn(async move {
            for status in ["PROVISIONING", "ALLOCATING", "STARTING", "HEALTHY"] {
                world.step().await;
                let mut state = lock(&world.state);
                if matches!(state.status(&id).as_str(), "CANCELING" | "CANCELED") {
                    return;
                }
                if let Some(message) = doom.as_ref().filter(|_| status == "STARTING") {
                    state.set_status(&id, "ERROR");
                    if let Some(deployment) = state.find_mut(&id) {
                        deployment["messages"] = json!([message]);
                    }
                    return;
                }
                state.set_status(&id, status);
            }
            lock(&world.state).replace(&service, &id);
        });
    }

    pub(super) fn cancel(self: &Arc<Self>, id: &str) -> Answer {
        let mut state = lock(&self.state);
        state.deployments.iter().find(|one| one["id"] == id).ok_or_else(|| not_found("deployment"))?;
        if !matches!(
            state.status(id).as_str(),
            "PENDING" | "PROVISIONING" | "SCHEDULED" | "ALLOCATING" | "STARTING"
        ) {
            return Err(precondition("the deployment can no longer be canceled"));
        }
        state.set_status(id, "CANCELING");
        self.later(id, "CANCELING", "CANCELED");
        ok(&json!({}))
    }

    /// In a step from now, unless something else happens to it before.
    fn later(self: &Arc<Self>, id: &str, from: &'static str, to: &'static str) {
        let (world, id) = (self.clone(), id.to_owned());
        self.work.spawn(async move {
            world.step().await;
            lock(&world.state).advance(&id, from, to);
        });
    }

    pub(super) fn pause(self: &Arc<Self>, service: &str) -> Answer {
        let mut state = lock(&self.state);
        let found = state.services.iter().find(|one| one["id"] == service);
        let found = found.ok_or_else(|| not_found("service"))?;
        if found["status"] == "PAUSED" {
            return Err(precondition("the service is paused"));
        }
        state.set_status(service, "PAUSING");
        for id in state.of_service(service, &ALIVE) {
            state.set_status(&id, "STOPPING");
            self.later(&id, "STOPPING", "STOPPED");
        }
        self.later(service, "PAUSING", "PAUSED");
        ok(&json!({}))
    }

    pub(super) fn resume(self: &Arc<Self>, service: &str) -> Answer {
        let deployment = {
            let mut state = lock(&self.state);
            let found = state.services.iter().find(|one| one["id"] == service);
            let found = found.ok_or_else(|| not_found("service"))?;
            if found["status"] != "PAUSED" {
                return Err(precondition("the service is not paused"));
            }
            state.set_status(service, "RESUMING");
            let deployment = state.add_deployment(service);
            state.find(&deployment).cloned().unwrap_or_default()
        };
        self.deploy(service, &deployment);
        ok(&json!({}))
    }

    pub(super) fn scale(self: &Arc<Self>, service: &str, request: &Request) -> Answer {
        let scalings = body(request)?["scalings"].clone();
        let Some(list) = scalings.as_array().filter(|list| !list.is_empty()) else {
            return Err(invalid("scalings", "is required"));
        };
        let wanted: Vec<(String, u64)> = list.iter().flat_map(regions).collect();
        if wanted.iter().any(|(_, number)| *number > MOST) {
            return Err(invalid("scalings", "more instances than there is room for"));
        }
        let mut state = lock(&self.state);
        state.services.iter().find(|one| one["id"] == service).ok_or_else(|| not_found("service"))?;
        state.scalings.insert(service.to_owned(), scalings.clone());
        for (region, number) in wanted {
            self.scale_region(&mut state, service, &region, number);
        }
        ok(&json!({}))
    }

    fn scale_region(self: &Arc<Self>, state: &mut State, service: &str, region: &str, number: u64) {
        let mut here = state.of_service(service, &ALIVE);
        here.retain(|id| state.find(id).is_some_and(|one| one["region"] == region));
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        for id in here.iter().skip(number) {
            state.set_status(id, "STOPPING");
            self.later(id, "STOPPING", "STOPPED");
        }
        for _ in here.len()..number {
            let id = state.add_instance(service, region, "ALLOCATING");
            let world = self.clone();
            self.work.spawn(async move {
                for (from, to) in [("ALLOCATING", "STARTING"), ("STARTING", "HEALTHY")] {
                    world.step().await;
                    lock(&world.state).advance(&id, from, to);
                }
            });
        }
    }

    pub(super) fn take_snapshot(self: &Arc<Self>, request: &Request) -> Answer {
        let asked = body(request)?;
        let mut state = lock(&self.state);
        let instance = state.instances.iter().find(|one| one["id"] == asked["instance_id"]).cloned();
        let instance = instance.ok_or_else(|| not_found("instance"))?;
        let kind = asked["type"].as_str().unwrap_or("INSTANCE_SNAPSHOT_TYPE_FILESYSTEM");
        let id = state.id();
        let snapshot = documents::snapshot(&id, &instance, asked["name"].as_str().unwrap_or_default(), kind);
        state.snapshots.push(snapshot.clone());
        self.later(&id, "INSTANCE_SNAPSHOT_STATUS_CREATING", "INSTANCE_SNAPSHOT_STATUS_AVAILABLE");
        ok(&json!({"instance_snapshot": snapshot}))
    }

    /// Deleted ones are forgotten.
    pub(super) fn delete_snapshot(self: &Arc<Self>, id: &str) -> Answer {
        let mut state = lock(&self.state);
        state.snapshots.iter().find(|one| one["id"] == id).ok_or_else(|| not_found("instance_snapshot"))?;
        state.set_status(id, "INSTANCE_SNAPSHOT_STATUS_DELETING");
        let snapshot = state.find(id).cloned().unwrap_or_default();
        let (world, id) = (self.clone(), id.to_owned());
        self.work.spawn(async move {
            world.step().await;
            lock(&world.state).snapshots.retain(|one| one["id"] != id.as_str());
        });
        ok(&json!({"instance_snapshot": snapshot}))
    }
}

/// Where and how many; everywhere is `fra`.
fn regions(scaling: &Value) -> Vec<(String, u64)> {
    let number = scaling["instances"].as_u64().unwrap_or(0);
    let scopes = scaling["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let named: Vec<_> = scopes.filter_map(|scope| scope.strip_prefix("region:")).collect();
    let named = if named.is_empty() { vec!["fra"] } else { named };
    named.into_iter().map(|region| (region.to_owned(), number)).collect()
}

impl State {
    /// A new deployment has become healthy: its instances take over.
    fn replace(&mut self, service: &str, deployment: &str) {
        let old = self.of_service(service, &ALIVE);
        for id in &old {
            self.set_status(id, "STOPPED");
        }
        for _ in 0..old.len().max(1) {
            self.add_instance(service, "fra", "HEALTHY");
        }
        let before = self.find(service).map(|service| service["active_deployment_id"].clone());
        if let Some(before) = before.as_ref().and_then(Value::as_str) {
            self.set_status(before, "STOPPED");
        }
        if let Some(service) = self.find_mut(service) {
            service["active_deployment_id"] = deployment.into();
        }
        self.set_status(service, "HEALTHY");
    }
}
