//! The routes, and who may use them.

use std::sync::Arc;

use serde_json::json;

use super::caller::{Caller, admit};
use super::reply::{Answer, not_found, ok};
use super::world::World;
use super::{exec, lists, logs};
use crate::testing::server::front::Service;
use crate::testing::server::known::Known;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

pub(super) const KNOWN: Known = Known { table: crate::raw::koyeb::ENDPOINTS, beyond: &[] };

#[derive(Debug)]
pub(super) struct Api(pub(super) Arc<World>);

impl Service for Api {
    fn call(&self, request: &Request) -> Reply {
        if self.0.limit.take() {
            return self.0.limit.label(Reply::new(429, "slow down\n").header("Content-Type", "text/plain"));
        }
        let answer = admit(&self.0, request).and_then(|caller| route(&self.0, request, caller));
        self.0.limit.label(answer.unwrap_or_else(|refusal| refusal))
    }
}

fn route(world: &Arc<World>, request: &Request, caller: Caller) -> Answer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["v1", rest @ ..] = segments.as_slice() else { return Err(not_found("Route")) };
    match (request.method.as_str(), rest) {
        ("GET", ["instances"]) => lists::instances(world, request),
        ("GET", ["instances", id]) => one(world, "instance", id),
        ("GET", ["instance_events"]) => lists::events(world, request),
        ("GET", ["services"]) => lists::services(world, request),
        ("GET", ["services", id]) => one(world, "service", id),
        ("GET", ["services", id, "scale"]) => scaling(world, id),
        ("PUT", ["services", id, "scale"]) => world.scale(id, request),
        ("DELETE", ["services", id, "scale"]) => unscale(world, id),
        ("POST", ["services", id, "pause"]) => world.pause(id),
        ("POST", ["services", id, "resume"]) => world.resume(id),
        ("POST", ["services", id, "redeploy"]) => world.redeploy(id),
        ("GET", ["deployments"]) => lists::deployments(world, request),
        ("GET", ["deployments", id]) => one(world, "deployment", id),
        ("POST", ["deployments", id, "cancel"]) => world.cancel(id),
        ("GET", ["instance_snapshots"]) => lists::snapshots(world, request),
        ("POST", ["instance_snapshots"]) => world.take_snapshot(request),
        ("GET", ["instance_snapshots", id]) => one(world, "instance_snapshot", id),
        ("DELETE", ["instance_snapshots", id]) => world.delete_snapshot(id),
        ("GET", ["instance_snapshot_events"]) => lists::snapshot_events(world, request),
        ("POST", ["organizations", id, "switch"]) => {
            ok(&world.switch(id).ok_or_else(|| not_found("Organization"))?)
        }
        ("GET", ["streams", "instances", "exec"]) => Ok(exec::connect(world, request, caller)),
        ("GET", ["streams", "logs", "query"]) => logs::query(world, request),
        ("GET", ["streams", "logs", "tail"]) => logs::tail(world, request, caller),
        _ => Err(not_found("Route")),
    }
}

fn one(world: &World, kind: &str, id: &str) -> Answer {
    let state = lock(&world.state);
    let all = match kind {
        "instance" => &state.instances,
        "service" => &state.services,
        "deployment" => &state.deployments,
        _ => &state.snapshots,
    };
    let found = all.iter().find(|document| document["id"] == id).ok_or_else(|| not_found(kind))?;
    ok(&json!({kind: found}))
}

fn scaling(world: &World, id: &str) -> Answer {
    let state = lock(&world.state);
    state.find(id).ok_or_else(|| not_found("service"))?;
    ok(&json!({"scalings": state.scalings.get(id).cloned().unwrap_or_else(|| json!([]))}))
}

fn unscale(world: &World, id: &str) -> Answer {
    let mut state = lock(&world.state);
    state.find(id).ok_or_else(|| not_found("service"))?;
    state.scalings.remove(id);
    ok(&json!({}))
}
