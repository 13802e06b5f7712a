//! Lists: filters, order and the two styles of paging.

use serde_json::{Map, Value, json};

use super::documents;
use super::reply::{Answer, invalid, ok};
use super::world::World;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// The values of a parameter that can be given several times.
pub(super) fn params(request: &Request, name: &str) -> Vec<String> {
    let pairs = form_urlencoded::parse(request.query.as_bytes());
    pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
}

fn number(request: &Request, name: &str, default: u64) -> Result<u64, Reply> {
    match request.param(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| invalid(name, "is not a number")),
    }
}

/// What a page is cut out of.
struct Cut {
    limit: u64,
    offset: u64,
    order: String,
}

impl Cut {
    fn of(request: &Request) -> Result<Cut, Reply> {
        let limit = number(request, "limit", 20)?;
        if limit > 100 {
            return Err(invalid("limit", "must be at most 100"));
        }
        let order = request.param("order").unwrap_or_else(|| "desc".to_owned());
        Ok(Cut { limit, offset: number(request, "offset", 0)?, order })
    }

    /// The page, and how many there are on all.
    fn page(&self, mut all: Vec<Value>) -> (Vec<Value>, u64) {
        if self.order == "desc" {
            all.reverse();
        }
        let count = all.len() as u64;
        let from = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let page = all.into_iter().skip(from).take(usize::try_from(self.limit).unwrap_or(0));
        (page.collect(), count)
    }
}

/// Whether a document has one of the values that were asked for, if any were.
fn has(document: &Value, field: &str, wanted: &[String]) -> bool {
    let text = match &document[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    wanted.is_empty() || wanted.contains(&text)
}

/// Parameters and the fields that they ask for.
fn chosen(all: &[Value], request: &Request, filters: &[(&str, &str)]) -> Vec<Value> {
    let wanted: Vec<_> = filters.iter().map(|(name, field)| (*field, params(request, name))).collect();
    let matches = |document: &&Value| wanted.iter().all(|(field, wanted)| has(document, field, wanted));
    all.iter().filter(matches).cloned().collect()
}

const INSTANCES: [(&str, &str); 8] = [
    ("app_id", "app_id"),
    ("service_id", "service_id"),
    ("deployment_id", "xyz_deployment_id"),
    ("regional_deployment_id", "regional_deployment_id"),
    ("allocation_id", "allocation_id"),
    ("replica_index", "replica_index"),
    ("statuses", "status"),
    ("ids", "id"),
];

pub(super) fn instances(world: &World, request: &Request) -> Answer {
    let cut = Cut::of(request)?;
    let state = lock(&world.state);
    let filtered = INSTANCES.iter().any(|(name, _)| !params(request, name).is_empty());
    let mut all = chosen(&state.instances, request, &INSTANCES);
    // Ran between: made before the end of the time, and not ended before its start.
    if let Some(start) = request.param("starting_time") {
        all.retain(|one| one["terminated_at"].as_str().is_none_or(|ended| *ended > *start));
    }
    if let Some(end) = request.param("ending_time") {
        all.retain(|one| one["created_at"].as_str().is_some_and(|made| *made < *end));
    }
    let crowd = if filtered { 0 } else { state.crowd };
    let own = all.len() as u64;
    let (mut page, _) = cut.page(all);
    let from = cut.offset.max(own) - own;
    let room = cut.limit.saturating_sub(page.len() as u64);
    page.extend((from..crowd.min(from.saturating_add(room))).map(documents::extra));
    page.iter_mut().for_each(documents::list_item);
    ok(&json!({
        "instances": page, "limit": cut.limit, "offset": cut.offset, "count": own + crowd, "order": cut.order
    }))
}

pub(super) fn events(world: &World, request: &Request) -> Answer {
    let all =
        chosen(&lock(&world.state).events, request, &[("instance_ids", "instance_id"), ("types", "type")]);
    has_next_only(request, all)
}

pub(super) fn snapshot_events(world: &World, request: &Request) -> Answer {
    let filters = [("instance_snapshot_id", "instance_snapshot_id"), ("types", "type")];
    let mut all = chosen(&lock(&world.state).events, request, &filters);
    all.retain(|event| !event["instance_snapshot_id"].is_null());
    has_next_only(request, all)
}

fn has_next_only(request: &Request, all: Vec<Value>) -> Answer {
    let cut = Cut::of(request)?;
    let (page, count) = cut.page(all);
    let has_next = cut.offset + (page.len() as u64) < count;
    ok(&json!({
        "events": page, "limit": cut.limit, "offset": cut.offset, "order": cut.order, "has_next": has_next
    }))
}

pub(super) fn services(world: &World, request: &Request) -> Answer {
    let filters =
        [("app_id", "app_id"), ("name", "name"), ("types", "type"), ("statuses", "status"), ("ids", "id")];
    with_both(request, "services", chosen(&lock(&world.state).services, request, &filters))
}

pub(super) fn deployments(world: &World, request: &Request) -> Answer {
    let filters = [("app_id", "app_id"), ("service_id", "service_id"), ("statuses", "status"), ("ids", "id")];
    with_both(request, "deployments", chosen(&lock(&world.state).deployments, request, &filters))
}

pub(super) fn snapshots(world: &World, request: &Request) -> Answer {
    let filters = [("name", "name"), ("statuses", "status"), ("type", "type"), ("ids", "id")];
    with_both(request, "instance_snapshots", chosen(&lock(&world.state).snapshots, request, &filters))
}

fn with_both(request: &Request, name: &str, all: Vec<Value>) -> Answer {
    let cut = Cut::of(request)?;
    let (page, count) = cut.page(all);
    let has_next = cut.offset + (page.len() as u64) < count;
    let mut reply = Map::new();
    reply.insert(name.to_owned(), page.into());
    for (key, value) in [
        ("limit", json!(cut.limit)),
        ("offset", json!(cut.offset)),
        ("count", json!(count)),
        ("has_next", json!(has_next)),
    ] {
        reply.insert(key.to_owned(), value);
    }
    ok(&Value::Object(reply))
}
