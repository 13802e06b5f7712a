//! The envelope around every JSON answer.

use serde::Serialize;
use serde_json::Value;

use super::generation::Generation;
use crate::testing::server::reply::Reply;

/// A failed request, or a failed operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    pub(super) code: u16,
    pub(super) text: String,
}

pub(super) fn failure(code: u16, text: impl Into<String>) -> Failure {
    Failure { code, text: text.into() }
}

pub(super) type Answer = Result<Reply, Failure>;

/// All seven keys are always present.
#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    status: &'a str,
    status_code: u16,
    operation: &'a str,
    error_code: u16,
    error: &'a str,
    metadata: &'a Value,
}

impl Envelope<'_> {
    fn text(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        text + "\n"
    }
}

fn json(status: u16, text: String) -> Reply {
    Reply::new(status, text).header("Content-Type", "application/json")
}

pub(super) fn sync_text(metadata: &Value) -> String {
    let envelope = Envelope {
        kind: "sync",
        status: "Success",
        status_code: 200,
        operation: "",
        error_code: 0,
        error: "",
        metadata,
    };
    envelope.text()
}

/// Errors of 6.0 end in two newlines, those of 7.0 in one.
pub(super) fn error_text(generation: Generation, failure: &Failure) -> String {
    let envelope = Envelope {
        kind: "error",
        status: "",
        status_code: 0,
        operation: "",
        error_code: failure.code,
        error: &failure.text,
        metadata: &Value::Null,
    };
    match generation {
        Generation::V6_0 => envelope.text() + "\n",
        Generation::V7_0 => envelope.text(),
    }
}

pub(super) fn sync(metadata: &Value) -> Reply {
    json(200, sync_text(metadata))
}

/// The answer of a call without a result.
pub(super) fn done() -> Reply {
    sync(&Value::Object(serde_json::Map::new()))
}

pub(super) fn created(location: &str) -> Reply {
    json(201, sync_text(&Value::Null)).header("Location", location)
}

/// `query` follows the operation's URL, in clusters.
pub(super) fn accepted(operation: &Value, query: &str) -> Reply {
    let path = format!("/1.0/operations/{}{query}", operation["id"].as_str().unwrap_or_default());
    let envelope = Envelope {
        kind: "async",
        status: "Operation created",
        status_code: 100,
        operation: &path,
        error_code: 0,
        error: "",
        metadata: operation,
    };
    json(202, envelope.text()).header("Location", &path)
}

pub(super) fn error(generation: Generation, failure: &Failure) -> Reply {
    json(failure.code, error_text(generation, failure)).header("X-Content-Type-Options", "nosniff")
}
