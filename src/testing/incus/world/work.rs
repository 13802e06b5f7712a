//! What runs in the background, as an operation.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::doom::Doom;
use super::events::now;
use super::instance::Key;
use super::operations::{CONSOLE, Draft, Operation};
use super::server::World;
use crate::testing::incus::common::uuid;
use crate::testing::incus::envelope::{self, Failure, failure};
use crate::testing::incus::generation::Generation;
use crate::testing::server::reply::Reply;
use crate::testing::server::tasks::lock;

/// How long a finished operation is remembered.
const MEMORY: Duration = Duration::from_secs(5);

/// Percentages as they are reached.
const STEPS: [u32; 5] = [4, 7, 10, 52, 100];

/// The percentage that is reported too late: the events of the real server come out of order, too.
const LATE: u32 = 7;

impl World {
    /// Starts an operation and answers 202; `work` runs in the background and decides how it ends.
    pub(crate) fn launch<F>(
        self: &Arc<Self>,
        draft: Draft,
        work: impl FnOnce(Arc<World>, Arc<Operation>) -> F,
    ) -> Reply
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let operation = self.begin(draft);
        if let Some(why) = Doom::take() {
            return self.fail_later(operation, why);
        }
        let (world, work) = (self.clone(), work(self.clone(), operation.clone()));
        // What the work does at once is visible in the answer.
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

    /// Nothing is done, and that takes as long as the work would.
    fn fail_later(self: &Arc<Self>, operation: Arc<Operation>, why: String) -> Reply {
        let reply = envelope::accepted(&operation.document(), &self.url_query(&operation));
        let world = self.clone();
        self.work.spawn(async move {
            world.take_time(None).await;
            world.finish(&operation, Err(failure(500, why)));
            sleep(MEMORY).await;
            lock(&world.operations.0).remove(&operation.id);
        });
        reply
    }

    /// Starts an operation that stands for a token: it runs until it is used or cancelled.
    pub(crate) fn pend(self: &Arc<Self>, metadata: Value) -> (Reply, Arc<Operation>) {
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

    pub(crate) fn begin(&self, draft: Draft) -> Arc<Operation> {
        let id = uuid();
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

    /// Changes the operation's document, and sends it as an event.
    pub(crate) fn change(&self, operation: &Operation, edit: impl FnOnce(&mut Value)) {
        edit(&mut lock(&operation.document));
        self.announce(operation);
    }

    pub(crate) fn set_metadata(&self, operation: &Operation, key: &str, value: Value) {
        let mut document = lock(&operation.document);
        document["metadata"][key] = value;
        document["updated_at"] = now().into();
    }

    pub(crate) fn log_operation(&self, message: &str, operation: &Operation) {
        let document = operation.document();
        let context = json!({"class": document["class"], "description": document["description"],
            "operation": operation.id, "project": operation.project});
        self.events.log("debug", message, &context);
    }

    /// Sends an earlier state only now, as the real server sometimes does.
    pub(crate) fn announce_late(&self, operation: &Operation, earlier: &Value) {
        self.events.send("operation", &operation.project, earlier);
    }

    pub(crate) fn announce(&self, operation: &Operation) {
        self.events.send("operation", &operation.project, &operation.document());
    }

    pub(crate) fn finish(&self, operation: &Operation, result: Result<(), Failure>) {
        let (word, code, failed) = match result {
            Ok(()) => ("Success", 200, None),
            Err(failed) => ("Failure", 400, Some(failed)),
        };
        self.close(operation, word, code, failed);
    }

    /// Ends it as cancelled.
    pub(crate) fn cancelled(&self, operation: &Operation) {
        self.close(operation, "Cancelled", 401, None);
    }

    pub(crate) fn close(&self, operation: &Operation, word: &str, code: u16, failed: Option<Failure>) {
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

impl World {
    /// The same, in steps that clients can watch.
    pub(crate) async fn unpack(&self, operation: &Operation) {
        let steps = u32::try_from(STEPS.len()).unwrap_or(1);
        let pace = *lock(&self.pace) / steps;
        let mut late = None;
        for percent in STEPS {
            sleep(pace).await;
            if percent == LATE {
                let mut document = operation.document();
                document["metadata"] = progress(percent);
                late = Some(document);
                continue;
            }
            self.change(operation, |doc| doc["metadata"] = progress(percent));
            if let Some(document) = late.take() {
                self.announce_late(operation, &document);
            }
        }
        self.released().await;
    }

    /// The guest says that it is ready.
    pub(crate) fn say_ready(&self, key: &Key) -> bool {
        let said = self.with(key, |instance| {
            instance.document["config"]["volatile.last_state.ready"] = "true".into();
            instance.show_ready()
        });
        let said = said.unwrap_or(false);
        if said {
            self.tell("instance-ready", key, &Value::Null);
        }
        said
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

/// Numbers are strings, as on the real server.
fn progress(percent: u32) -> Value {
    json!({
        "create_instance_from_image_unpack_progress":
            format!("Unpacking image: {percent}% (46.59MB/s)"),
        "progress": {
            "percent": percent.to_string(), "speed": "46591387",
            "stage": "create_instance_from_image_unpack",
        },
    })
}
