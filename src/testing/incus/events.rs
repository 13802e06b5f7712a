//! `GET /1.0/events`.

use super::common::project_filter;
use super::envelope::{Answer, failure};
use super::world::{World, relay};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

const KINDS: [&str; 3] = ["logging", "operation", "lifecycle"];

pub(super) fn subscribe(world: &World, request: &Request) -> Answer {
    let kinds = kinds(request);
    if let Some(odd) = kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(failure(400, format!("\"{odd}\" isn't a supported event type")));
    }
    let project = project_filter(request)?;
    let orders = world.events.listen(kinds, project);
    Ok(Reply::socket(|socket| relay(socket, orders)))
}

fn kinds(request: &Request) -> Vec<String> {
    match request.param("type").filter(|given| !given.is_empty()) {
        Some(given) => given.split(',').map(str::to_owned).collect(),
        None => KINDS.map(str::to_owned).to_vec(),
    }
}
