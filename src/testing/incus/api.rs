//! The routes.

use std::sync::Arc;

use serde_json::json;

use super::common::{lacking, not_implemented, project};
use super::envelope::{self, Answer, failure};
use super::generation::Generation;
use super::world::{Doom, World};
use super::{
    about_instance, backups, cluster, console, events, exec, files, images, instances, logs, networks,
    operations, pools, power, profiles, projects, rebuild, sessions, snapshots, trust,
};
use crate::testing::server::front::Service;
use crate::testing::server::known::Known;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

pub(super) const KNOWN: Known = Known {
    table: crate::raw::incus::ENDPOINTS,
    beyond: &[
        "GET /",
        "GET /1.0/profiles",
        "POST /1.0/profiles",
        "GET /1.0/profiles/{name}",
        "PUT /1.0/profiles/{name}",
        "PATCH /1.0/profiles/{name}",
        "POST /1.0/profiles/{name}",
        "DELETE /1.0/profiles/{name}",
        "GET /1.0/cluster",
        "GET /1.0/projects",
        "POST /1.0/projects",
        "GET /1.0/projects/{name}",
        "PUT /1.0/projects/{name}",
        "PATCH /1.0/projects/{name}",
        "DELETE /1.0/projects/{name}",
        "GET /1.0/storage-pools",
        "GET /1.0/storage-pools/{pool}",
        "GET /1.0/storage-pools/{pool}/volumes",
        "GET /1.0/storage-pools/{pool}/volumes/{type}",
        "GET /1.0/storage-pools/{pool}/volumes/{type}/{name}",
        "GET /1.0/networks",
        "POST /1.0/networks",
        "GET /1.0/networks/{name}",
        "PUT /1.0/networks/{name}",
        "PATCH /1.0/networks/{name}",
        "POST /1.0/networks/{name}",
        "DELETE /1.0/networks/{name}",
        "GET /1.0/networks/{name}/leases",
        "GET /1.0/networks/{name}/state",
        "GET /1.0/warnings",
    ],
};

/// What a real server has besides, below `/1.0`.
const LACKING: [&str; 14] = [
    "cluster",
    "metadata",
    "metrics",
    "network-acls",
    "network-address-sets",
    "network-allocations",
    "network-forwards",
    "network-integrations",
    "network-peers",
    "network-zones",
    "resources",
    "storage-buckets",
    "storage-volumes",
    "warnings",
];

#[derive(Debug)]
pub(super) struct Api(pub(super) Arc<World>);

impl Service for Api {
    fn call(&self, request: &Request) -> Reply {
        if request.path.contains("//") && self.0.generation == Generation::V7_0 {
            return cleaned(&request.path);
        }
        let url = request.path.as_str();
        let context =
            json!({"ip": "@", "method": request.method, "protocol": "unix", "url": url, "username": "root"});
        self.0.events.log("debug", "Handling API request", &context);
        let answer = trust::gate(&self.0, request).unwrap_or_else(|| route(&self.0, request));
        answer.unwrap_or_else(|failure| envelope::error(self.0.generation, &failure))
    }

    fn call_in_vain(&self, request: &Request, why: &str) -> Reply {
        let _doom = Doom::over_this_thread(why);
        self.call(request)
    }
}

fn cleaned(path: &str) -> Reply {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    Reply::new(307, "").header("Location", format!("/{}", parts.join("/")))
}

fn route(world: &Arc<World>, request: &Request) -> Answer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [""] => Ok(envelope::sync(&json!(["/1.0"]))),
        ["1.0", rest @ ..] => match rest {
            ["instances", name, rest @ ..] => instance(world, request, name, rest),
            ["operations", rest @ ..] => operation(world, request, rest),
            ["images", rest @ ..] => image(world, request, rest),
            ["certificates", rest @ ..] => trust::certificates(world, request, rest),
            ["cluster"] => cluster::cluster(world, request),
            ["cluster", "members", rest @ ..] => cluster::members(world, request, rest),
            rest => other(world, request, rest),
        },
        _ => nowhere(),
    }
}

fn nowhere() -> Answer {
    Err(failure(404, "not found"))
}

fn instance(world: &Arc<World>, request: &Request, name: &str, rest: &[&str]) -> Answer {
    let key = (project(request), name.to_owned());
    match rest {
        [] => instances::one(world, request, &key),
        ["state"] => power::state(world, request, &key),
        ["exec"] => exec::exec(world, request, &key),
        ["console"] => console::console(world, request, &key),
        ["files"] => files::files(world, request, &key),
        ["sftp"] => files::sftp(world, request, &key),
        ["snapshots"] => snapshots::collection(world, request, &key),
        ["snapshots", snapshot] => snapshots::one(world, request, &key, snapshot),
        ["backups"] => backups::collection(world, request, &key),
        ["backups", backup] => backups::one(world, request, &key, backup),
        ["backups", backup, "export"] => backups::export(world, request, &key, backup),
        ["rebuild"] => rebuild::rebuild(world, request, &key),
        ["metadata"] => about_instance::metadata(world, request, &key),
        ["metadata", "templates"] => about_instance::templates(world, request, &key),
        ["access"] => about_instance::access(request),
        ["logs"] => logs::list(world, request, &key),
        ["logs", "exec-output"] => logs::outputs(world, request, &key),
        ["logs", "exec-output", file] => logs::output(world, request, &key, file),
        ["logs", file] => logs::one(world, request, &key, file),
        ["bitmaps" | "debug", ..] => lacking(request),
        _ => nowhere(),
    }
}

fn operation(world: &Arc<World>, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => operations::list(world, request),
        ("GET", [id]) => operations::get(world, id),
        ("DELETE", [id]) => operations::cancel(world, id),
        ("GET", [id, "wait"]) => operations::wait(world, id, request),
        ("GET", [id, "websocket"]) => sessions::connect(world, request, id),
        (_, [] | [_] | [_, "wait" | "websocket"]) => not_implemented(),
        _ => nowhere(),
    }
}

fn image(world: &Arc<World>, request: &Request, rest: &[&str]) -> Answer {
    match rest {
        [] => images::collection(world, request),
        ["aliases"] => images::aliases(world, request),
        ["aliases", name] => images::alias(world, request, name),
        [fingerprint] => images::one(world, request, fingerprint),
        [fingerprint, "export"] => images::export(world, request, fingerprint),
        [fingerprint, "refresh"] => images::refresh(world, request, fingerprint),
        _ => nowhere(),
    }
}

fn other(world: &Arc<World>, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        (_, ["instances"]) => instances::collection(world, request),
        (_, ["networks", rest @ ..]) => networks::networks(world, request, rest),
        (_, ["profiles", rest @ ..]) => profiles::profiles(world, request, rest),
        (_, ["projects", rest @ ..]) => projects::projects(world, request, rest),
        (_, ["storage-pools", rest @ ..]) => pools::pools(world, request, rest),
        ("GET", []) => Ok(envelope::sync(&trust::server(world, request))),
        ("GET", ["events"]) => events::subscribe(world, request),
        // Nothing is in it, so there is nothing that the fake would have to do.
        ("GET", ["warnings"]) => Ok(envelope::sync(&json!([]))),
        (_, []) => lacking(request),
        (_, ["events"]) => not_implemented(),
        (_, [first, ..]) if LACKING.contains(first) => lacking(request),
        _ => nowhere(),
    }
}
