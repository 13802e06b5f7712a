//! Operations, which are remembered for five seconds after their end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::watch;

use crate::testing::incus::envelope::{Failure, failure};
use crate::testing::server::tasks::lock;

/// The description of an operation, before it starts.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) description: &'static str,
    pub(crate) project: String,
    pub(crate) resources: Value,
    /// If set, the class is `websocket`.
    pub(crate) socket: Option<Value>,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) document: Mutex<Value>,
    /// The code of the failure in the answer to `/wait` of 6.0.
    pub(crate) code: Mutex<u16>,
    pub(crate) ended: watch::Sender<bool>,
}

impl Operation {
    pub(crate) fn document(&self) -> Value {
        lock(&self.document).clone()
    }

    pub(crate) fn path(&self) -> String {
        format!("/1.0/operations/{}", self.id)
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.ended.borrow()
    }

    pub(crate) async fn end(&self) {
        // The sender lives as long as `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Operations(pub(crate) Mutex<BTreeMap<String, Arc<Operation>>>);

impl Operations {
    pub(crate) fn find(&self, id: &str) -> Result<Arc<Operation>, Failure> {
        let found = lock(&self.0).get(id).cloned();
        found.ok_or_else(|| failure(404, "Operation not found"))
    }

    pub(crate) fn forget_all(&self) {
        lock(&self.0).clear();
    }

    pub(crate) fn forget_finished(&self) {
        lock(&self.0).retain(|_, operation| !operation.is_over());
    }

    pub(crate) fn of_project(&self, project: Option<&str>) -> Vec<Arc<Operation>> {
        let all = lock(&self.0);
        // What belongs to no project is in every list.
        let mine = |op: &&Arc<Operation>| project.is_none_or(|p| op.project.is_empty() || p == op.project);
        all.values().filter(mine).cloned().collect()
    }
}

/// The operation of an attached console: 6.0 cancels no other operation with websockets.
pub(crate) const CONSOLE: &str = "Showing console";
