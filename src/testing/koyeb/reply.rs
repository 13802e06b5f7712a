//! Answers in the service's forms, and bodies of requests.

use serde_json::{Value, json};

use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

/// An answer, or a refusal to send instead.
pub(super) type Answer = Result<Reply, Reply>;

pub(super) fn ok(document: &Value) -> Answer {
    Ok(whole(200, document))
}

/// What most refusals look like.
pub(super) fn error(status: u16, code: &str, message: &str) -> Reply {
    whole(status, &json!({"status": status, "code": code, "message": message}))
}

/// What bad input gets.
pub(super) fn invalid(field: &str, description: &str) -> Reply {
    let fields = json!([{"field": field, "description": description}]);
    whole(
        400,
        &json!({"status": 400, "code": "invalid_argument", "message": "Validation error", "fields": fields}),
    )
}

/// What a request gets that comes at the wrong time.
pub(super) fn precondition(message: &str) -> Reply {
    whole(400, &json!({"status": 400, "code": "failed_precondition", "message": message, "fields": []}))
}

pub(super) fn not_found(what: &str) -> Reply {
    error(404, "unknown_resource", &format!("{what} not found"))
}

fn whole(status: u16, document: &Value) -> Reply {
    Reply::new(status, document.to_string()).header("Content-Type", "application/json")
}

/// The body as a JSON object.
pub(super) fn body(request: &Request) -> Result<Value, Reply> {
    request.json().filter(Value::is_object).ok_or_else(|| invalid("body", "is not a JSON object"))
}
