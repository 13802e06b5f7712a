//! `/1.0/operations`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::common::{project_filter, recursion};
use super::envelope::{self, Answer, Failure, failure};
use super::generation::Generation;
use super::world::{Operation, World};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

pub(super) fn list(world: &World, request: &Request) -> Answer {
    let project = project_filter(request)?;
    let full = recursion(request) > 0;
    let mut groups = Map::new();
    for operation in world.operations.of_project(project.as_deref()) {
        let document = operation.document();
        let group = document["status"].as_str().unwrap_or_default().to_lowercase();
        let group = groups.entry(group).or_insert_with(|| json!([]));
        let entry = if full { document } else { operation.path().into() };
        group.as_array_mut().into_iter().for_each(|list| list.push(entry.clone()));
    }
    Ok(envelope::sync(&Value::Object(groups)))
}

pub(super) fn get(world: &World, id: &str) -> Answer {
    Ok(envelope::sync(&world.operations.find(id)?.document()))
}

pub(super) fn cancel(world: &World, id: &str) -> Answer {
    let operation = world.operations.find(id)?;
    if operation.is_over() {
        return Err(failure(400, "Only running operations can be cancelled"));
    }
    if operation.document()["may_cancel"] != true {
        return Err(failure(400, "This operation can't be cancelled"));
    }
    world.cancelled(&operation);
    Ok(envelope::done())
}

/// Sends the headers at once, and the body when the operation or the time is over.
pub(super) fn wait(world: &World, id: &str, request: &Request) -> Answer {
    let operation = world.operations.find(id)?;
    let limit = seconds(request)?;
    let generation = world.generation;
    let body = async move {
        let over = async {
            match limit {
                Some(limit) => timeout(limit, operation.end()).await.is_ok(),
                None => {
                    operation.end().await;
                    true
                }
            }
        };
        Bytes::from(outcome(generation, over.await, &operation))
    };
    Ok(Reply::later(Box::pin(body))
        .header("Content-Type", "application/json")
        .header("Connection", "keep-alive")
        .header("X-Content-Type-Options", "nosniff"))
}

/// `None` is without a limit.
fn seconds(request: &Request) -> Result<Option<Duration>, Failure> {
    let Some(given) = request.param("timeout").filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    let bad = |_| failure(500, format!("strconv.Atoi: parsing \"{given}\": invalid syntax"));
    let seconds: i64 = given.parse().map_err(bad)?;
    Ok(u64::try_from(seconds).ok().map(Duration::from_secs))
}

/// 6.0 makes error bodies of failures and timeouts, 7.0 shows the operation.
fn outcome(generation: Generation, over: bool, operation: &Operation) -> String {
    let document = operation.document();
    let failed = document["status_code"] == 400;
    if generation == Generation::V7_0 || (over && !failed) {
        return envelope::sync_text(&document);
    }
    let failed = match over {
        true => failure(*lock(&operation.code), document["err"].as_str().unwrap_or_default()),
        false => failure(500, "context deadline exceeded"),
    };
    envelope::error_text(generation, &failed)
}
