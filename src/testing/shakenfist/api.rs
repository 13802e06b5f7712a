//! The routes.

use std::sync::Arc;

use super::answer::{Answer, Failure, failure, no_such_route, wrong_method};
use super::asked::Asked;
use super::release::Release;
use super::state::{World, uuid};
use super::{
    agent, artifacts, auth, blobs, instances, interfaces, launch, metadata, networks, power, root, snapshots,
};
use crate::testing::server::front::Service;
use crate::testing::server::known::Known;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::route::Route;

pub(super) const KNOWN: Known = Known {
    table: crate::raw::shakenfist::ENDPOINTS,
    beyond: &["GET /", "GET /blob_checksums/{algorithm}/{hash}"],
};

/// What every release of the real server has besides.
const LACKING: [&str; 29] = [
    "* /admin/{what}",
    "* /auth/namespaces",
    "* /auth/namespaces/{name}",
    "* /auth/namespaces/{name}/{what}",
    "* /auth/namespaces/{name}/{what}/{key}",
    "* /nodes",
    "* /nodes/{name}",
    "* /nodes/{name}/{what}",
    "* /nodes/{name}/{what}/{key}",
    "POST /label/{name}",
    "DELETE /networks",
    "GET /networks/{one}/events",
    "GET /networks/{one}/interfaces",
    "* /networks/{one}/metadata",
    "* /networks/{one}/metadata/{key}",
    "GET /networks/{one}/ping/{address}",
    "* /interfaces/{one}/metadata",
    "* /interfaces/{one}/metadata/{key}",
    "POST /artifacts",
    "DELETE /artifacts",
    "* /artifacts/{one}/metadata",
    "* /artifacts/{one}/metadata/{key}",
    "GET /artifacts/{one}/events",
    "* /artifacts/{one}/versions",
    "DELETE /artifacts/{one}/versions/{version}",
    "POST /artifacts/{one}/{share}",
    "GET /blobs",
    "* /blobs/{one}/metadata",
    "* /blobs/{one}/metadata/{key}",
];

fn is_lacking(method: &str, path: &str) -> bool {
    LACKING.iter().any(|route| Route::new(route).matches(method, path))
}

#[derive(Debug)]
pub(super) struct Api(pub(super) Arc<World>);

impl Service for Api {
    fn call(&self, request: &Request) -> Reply {
        let id = request.header("x-request-id").map_or_else(uuid, str::to_owned);
        let reply = route(&self.0, request, &id).unwrap_or_else(Failure::reply);
        reply.header("X-Request-ID", id)
    }
}

fn route(world: &Arc<World>, request: &Request, id: &str) -> Answer {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    match (method, path.as_slice()) {
        ("GET", [""]) => return Ok(root::page(world)),
        ("POST", ["auth"]) => return auth::issue(world, request),
        _ => {}
    }
    let Some(handler) = handler(world, method, &path) else {
        if is_lacking(method, &request.path) {
            auth::namespace(world, request)?;
            let text = format!("the fake doesn't do this: {method} {}", request.path);
            return Err(failure(501, text));
        }
        let others = ["GET", "POST", "PUT", "DELETE"].into_iter();
        let known = others.filter(|other| handler_exists(world, other, &path)).count();
        return Ok(if known > 0 { wrong_method() } else { no_such_route() });
    };
    let asked = Asked { world, request, namespace: auth::namespace(world, request)?, id: id.to_owned() };
    handler(&asked)
}

type Handler<'a> = Box<dyn FnOnce(&Asked<'_>) -> Answer + 'a>;

fn handler_exists(world: &World, method: &str, path: &[&str]) -> bool {
    handler(world, method, path).is_some()
}

fn handler<'a>(world: &World, method: &str, path: &[&'a str]) -> Option<Handler<'a>> {
    // No route ends with a slash.
    if path.last().is_some_and(|last| last.is_empty()) {
        return None;
    }
    match path {
        ["instances", rest @ ..] => instance(world, method, rest),
        ["agentoperations" | "upload" | "artifacts", ..] => store(method, path),
        ["blobs" | "blob_checksums", ..] => blob(world, method, path),
        ["networks" | "interfaces", ..] => network(world, method, path),
        _ => None,
    }
}

fn instance<'a>(world: &World, method: &str, rest: &[&'a str]) -> Option<Handler<'a>> {
    Some(match (method, rest) {
        ("GET", []) => Box::new(instances::list),
        ("POST", []) => Box::new(launch::create),
        ("DELETE", []) => Box::new(instances::delete_all),
        ("GET", &[one]) => Box::new(move |asked| instances::get(asked, one)),
        ("DELETE", &[one]) => Box::new(move |asked| instances::delete(asked, one)),
        ("GET", &[one, "interfaces"]) => Box::new(move |asked| interfaces::of_instance(asked, one)),
        ("POST", &[one, "interfaces"]) if world.release >= Release::Develop => {
            Box::new(move |asked| interfaces::hot_plug(asked, one))
        }
        ("GET", &[one, "events"]) => Box::new(move |asked| instances::events(asked, one)),
        ("GET", &[one, "metadata"]) => Box::new(move |asked| metadata::get(asked, one)),
        ("POST", &[one, "metadata"]) => Box::new(move |asked| metadata::add(asked, one)),
        ("PUT", &[one, "metadata", key]) => Box::new(move |asked| metadata::set(asked, one, key)),
        ("DELETE", &[one, "metadata", key]) => Box::new(move |asked| metadata::remove(asked, one, key)),
        ("GET", &[one, "consoledata"]) => Box::new(move |asked| instances::console(asked, one)),
        ("DELETE", &[one, "consoledata"]) => Box::new(move |asked| instances::clear_console(asked, one)),
        ("GET", &[one, "vdiconsolehelper"]) => Box::new(move |asked| instances::vdi_helper(asked, one)),
        ("GET", &[one, "screenshot"]) if world.release >= Release::V0_8 => {
            Box::new(move |asked| instances::screenshot(asked, one))
        }
        ("GET", &[one, "snapshot"]) => Box::new(move |asked| snapshots::list(asked, one)),
        ("POST", &[one, "snapshot"]) => Box::new(move |asked| snapshots::take(asked, one)),
        ("POST", &[one, verb]) if power::VERBS.contains(&verb) => {
            Box::new(move |asked| power::change(asked, one, verb))
        }
        ("POST", &[one, "agent", "execute"]) => Box::new(move |asked| agent::execute(asked, one)),
        ("POST", &[one, "agent", "put"]) => Box::new(move |asked| agent::put(asked, one)),
        ("POST", &[one, "agent", "get"]) => Box::new(move |asked| agent::get(asked, one)),
        ("GET", &[one, "agentoperations"]) => Box::new(move |asked| agent::of_instance(asked, one)),
        _ => return None,
    })
}

fn store<'a>(method: &str, path: &[&'a str]) -> Option<Handler<'a>> {
    Some(match (method, path) {
        ("GET", &["agentoperations", one]) => Box::new(move |asked| agent::operation(asked, one)),
        ("DELETE", &["agentoperations", one]) => Box::new(move |asked| agent::delete(asked, one)),
        ("POST", ["upload"]) => Box::new(artifacts::begin),
        ("POST", &["upload", one]) => Box::new(move |asked| artifacts::append(asked, one)),
        ("POST", &["upload", one, "truncate", to]) => {
            Box::new(move |asked| artifacts::truncate(asked, one, to))
        }
        ("GET", ["artifacts"]) => Box::new(artifacts::list),
        ("POST", &["artifacts", "upload", name]) => Box::new(move |asked| artifacts::convert(asked, name)),
        ("GET", &["artifacts", one]) => Box::new(move |asked| artifacts::get(asked, one)),
        ("DELETE", &["artifacts", one]) => Box::new(move |asked| artifacts::delete(asked, one)),
        _ => return None,
    })
}

fn blob<'a>(world: &World, method: &str, path: &[&'a str]) -> Option<Handler<'a>> {
    let any_algorithm = world.release >= Release::Develop;
    Some(match (method, path) {
        ("GET", &["blobs", one]) => Box::new(move |asked| blobs::get(asked, one)),
        ("GET", &["blobs", one, "data"]) => Box::new(move |asked| blobs::data(asked, one)),
        ("GET", &["blob_checksums", kind, hash]) if kind == "sha512" || any_algorithm => {
            Box::new(move |asked| blobs::by_checksum(asked, kind, hash))
        }
        _ => return None,
    })
}

fn network<'a>(world: &World, method: &str, path: &[&'a str]) -> Option<Handler<'a>> {
    Some(match (method, path) {
        ("GET", ["networks"]) => Box::new(networks::list),
        ("POST", ["networks"]) => Box::new(networks::create),
        ("GET", &["networks", one]) => Box::new(move |asked| networks::get(asked, one)),
        ("DELETE", &["networks", one]) => Box::new(move |asked| networks::delete(asked, one)),
        ("GET", &["networks", one, "addresses"]) if world.release >= Release::V0_8 => {
            Box::new(move |asked| networks::addresses(asked, one))
        }
        ("GET", &["interfaces", one]) => Box::new(move |asked| interfaces::get(asked, one)),
        ("POST", &["interfaces", one, "float"]) => Box::new(move |asked| interfaces::float(asked, one, true)),
        ("POST", &["interfaces", one, "defloat"]) => {
            Box::new(move |asked| interfaces::float(asked, one, false))
        }
        _ => return None,
    })
}
