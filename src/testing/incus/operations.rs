//! Background operations: begun by a request, reported as events, forgotten soon after their end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::envelope::{self, Answer, Failure, failure};
use super::events::now;
use super::{Generation, World};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// How long a finished operation can still be asked about.
const MEMORY: Duration = Duration::from_secs(5);

/// What somebody does who is attached to a console: 6.0 cancels no other work with websockets.
pub(super) const CONSOLE: &str = "Showing console";

/// What an operation is about, before it starts.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) description: &'static str,
    pub(super) project: String,
    pub(super) resources: Value,
    /// Given: class `websocket`.
    pub(super) socket: Option<Value>,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) project: String,
    document: Mutex<Value>,
    /// What `/wait` of 6.0 calls the failure.
    code: Mutex<u16>,
    ended: watch::Sender<bool>,
}

impl Operation {
    pub(super) fn document(&self) -> Value {
        lock(&self.document).clone()
    }

    fn path(&self) -> String {
        format!("/1.0/operations/{}", self.id)
    }

    pub(super) fn is_over(&self) -> bool {
        *self.ended.borrow()
    }

    pub(super) async fn end(&self) {
        // The sender lives as long as `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}

#[derive(Debug, Default)]
pub(super) struct Operations(Mutex<BTreeMap<String, Arc<Operation>>>);

impl Operations {
    pub(super) fn find(&self, id: &str) -> Result<Arc<Operation>, Failure> {
        let found = lock(&self.0).get(id).cloned();
        found.ok_or_else(|| failure(404, "Operation not found"))
    }

    pub(super) fn forget_all(&self) {
        lock(&self.0).clear();
    }

    pub(super) fn forget_finished(&self) {
        lock(&self.0).retain(|_, operation| !operation.is_over());
    }

    fn of_project(&self, project: Option<&str>) -> Vec<Arc<Operation>> {
        let all = lock(&self.0);
        // What belongs to no project is everybody's.
        let mine = |op: &&Arc<Operation>| project.is_none_or(|p| op.project.is_empty() || p == op.project);
        all.values().filter(mine).cloned().collect()
    }
}

impl World {
    /// Starts an operation and answers 202; `work` runs in the background and decides how it ends.
    pub(super) fn launch<F>(
        self: &Arc<Self>,
        draft: Draft,
        work: impl FnOnce(Arc<World>, Arc<Operation>) -> F,
    ) -> Reply
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let operation = self.begin(draft);
        let (world, work) = (self.clone(), work(self.clone(), operation.clone()));
        // What the work does at once can be seen in the answer.
        let reply = envelope::accepted(&operation.document(), &self.url_query(&operation));
        self.work.spawn(async move {
            tokio::select! {
                result = work => world.finish(&operation, result),
                () = operation.end() => {}
            }
            sleep(MEMORY).await;
            lock(&world.operations.0).remove(&operation.id);
        });
        reply
    }

    /// Starts an operation that stands for a token: it runs until somebody ends it.
    pub(super) fn pend(self: &Arc<Self>, metadata: Value) -> (Reply, Arc<Operation>) {
        let socket = Some(metadata);
        let draft =
            Draft { description: "Executing operation", resources: json!({}), socket, ..Draft::default() };
        let operation = self.begin(draft);
        self.change(&operation, |doc| {
            doc["class"] = "token".into();
            doc["may_cancel"] = true.into();
        });
        let (world, pending) = (self.clone(), operation.clone());
        self.work.spawn(async move {
            pending.end().await;
            sleep(MEMORY).await;
            lock(&world.operations.0).remove(&pending.id);
        });
        (envelope::accepted(&operation.document(), &self.url_query(&operation)), operation)
    }

    fn begin(&self, draft: Draft) -> Arc<Operation> {
        let id = super::uuid();
        let mut document = document(&id, &draft, self.generation);
        document["location"] = self.place_of(&draft.project, &draft.resources).into();
        let operation = Arc::new(Operation {
            id: id.clone(),
            project: draft.project,
            document: Mutex::new(document),
            code: Mutex::new(0),
            ended: watch::Sender::new(false),
        });
        lock(&self.operations.0).insert(id, operation.clone());
        self.log_operation("New operation", &operation);
        self.announce(&operation);
        self.log_operation("Started operation", &operation);
        self.change(&operation, |doc| status(doc, "Running", 103));
        operation
    }

    /// Changes what clients see of it, and tells the listeners.
    pub(super) fn change(&self, operation: &Operation, edit: impl FnOnce(&mut Value)) {
        edit(&mut lock(&operation.document));
        self.announce(operation);
    }

    pub(super) fn set_metadata(&self, operation: &Operation, key: &str, value: Value) {
        let mut document = lock(&operation.document);
        document["metadata"][key] = value;
        document["updated_at"] = now().into();
    }

    fn log_operation(&self, message: &str, operation: &Operation) {
        let document = operation.document();
        let context = json!({"class": document["class"], "description": document["description"],
            "operation": operation.id, "project": operation.project});
        self.events.log("debug", message, &context);
    }

    /// Tells of an earlier state only now, as the real server does now and then.
    pub(super) fn announce_late(&self, operation: &Operation, earlier: &Value) {
        self.events.send("operation", &operation.project, earlier);
    }

    fn announce(&self, operation: &Operation) {
        self.events.send("operation", &operation.project, &operation.document());
    }

    pub(super) fn finish(&self, operation: &Operation, result: Result<(), Failure>) {
        let (word, code, failed) = match result {
            Ok(()) => ("Success", 200, None),
            Err(failed) => ("Failure", 400, Some(failed)),
        };
        self.close(operation, word, code, failed);
    }

    /// As if somebody had asked for that.
    pub(super) fn cancelled(&self, operation: &Operation) {
        self.close(operation, "Cancelled", 401, None);
    }

    fn close(&self, operation: &Operation, word: &str, code: u16, failed: Option<Failure>) {
        if operation.is_over() {
            return;
        }
        let failed = failed.unwrap_or_else(|| failure(0, ""));
        *lock(&operation.code) = failed.code;
        let newer = self.generation == Generation::V7_0;
        self.change(operation, |doc| {
            status(doc, word, code);
            doc["err"] = failed.text.into();
            doc["may_cancel"] = false.into();
            if let Some(metadata) = doc["metadata"].as_object_mut().filter(|_| newer) {
                metadata.remove("fds");
            }
        });
        self.log_operation(&format!("{word} for operation"), operation);
        operation.ended.send_replace(true);
    }
}

fn status(document: &mut Value, word: &str, code: u16) {
    document["status"] = word.into();
    document["status_code"] = code.into();
}

fn document(id: &str, draft: &Draft, generation: Generation) -> Value {
    let nothing = match generation {
        Generation::V6_0 => Value::Null,
        Generation::V7_0 => json!({}),
    };
    let class = if draft.socket.is_some() { "websocket" } else { "task" };
    let now = now();
    json!({
        "id": id, "class": class, "description": draft.description,
        "created_at": now, "updated_at": now, "status": "Pending", "status_code": 105,
        "resources": draft.resources, "metadata": draft.socket.clone().unwrap_or(nothing),
        "may_cancel": draft.socket.is_some() && (generation == Generation::V7_0 || draft.description == CONSOLE),
        "err": "", "location": "none",
    })
}

pub(super) fn list(world: &World, request: &Request) -> Answer {
    let project = super::project_filter(request)?;
    let full = super::recursion(request) > 0;
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

/// Headers at once, the body when the operation is over or the time is.
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

/// Nothing: wait for ever.
fn seconds(request: &Request) -> Result<Option<Duration>, Failure> {
    let Some(given) = request.param("timeout").filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    let bad = |_| failure(500, format!("strconv.Atoi: parsing \"{given}\": invalid syntax"));
    let seconds: i64 = given.parse().map_err(bad)?;
    Ok(u64::try_from(seconds).ok().map(Duration::from_secs))
}

/// 6.0 turns failures and timeouts into error bodies, 7.0 shows the operation as it is.
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
