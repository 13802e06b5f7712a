//! The envelopes around every answer, and the documented refusals.

use serde_json::{Value, json};

use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    status: u16,
    code: &'static str,
    message: String,
    /// Generated clients insist on it, for most codes.
    suggestion: &'static str,
}

pub(super) type Answer = Result<Value, Failure>;

pub(super) fn failure(status: u16, code: &'static str, message: impl Into<String>) -> Failure {
    let suggestion = "Check what the request names, then try again.";
    Failure { status, code, message: message.into(), suggestion }
}

impl Failure {
    pub(super) fn suggest(self, suggestion: &'static str) -> Failure {
        Failure { suggestion, ..self }
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Failure {
    failure(400, "global/invalid-parameters", message)
}

pub(super) fn missing(what: &str) -> Failure {
    failure(404, "global/object-does-not-exist", format!("The specified {what} was not found."))
}

pub(super) fn render(answer: Answer) -> Reply {
    let (status, body) = match answer {
        Ok(data) => (200, json!({"data": data})),
        Err(Failure { status, code, message, suggestion }) => {
            let error = json!({"code": code, "message": message, "suggestion": suggestion});
            (status, json!({"error": error}))
        }
    };
    Reply::new(status, body.to_string()).header("Content-Type", "application/json")
}

/// What Cloudflare answers before the service sees anything.
pub(super) fn throttled() -> Reply {
    let page = "<!DOCTYPE html><html><head><title>Access denied | cloud.lambda.ai used Cloudflare to restrict access\
         </title></head><body><h1>Error 1015</h1><h2>You are being rate limited</h2></body></html>";
    Reply::new(429, page).header("Content-Type", "text/html; charset=UTF-8")
}

pub(super) fn nowhere() -> Answer {
    Err(failure(404, "global/not-found", "There is nothing here."))
}

pub(super) fn not_allowed() -> Answer {
    Err(failure(405, "global/not-found", "Method not allowed."))
}

pub(super) fn body(request: &Request) -> Answer {
    let parsed = serde_json::from_slice::<Value>(&request.body);
    parsed.ok().filter(Value::is_object).ok_or_else(|| invalid("The request body isn't a JSON object."))
}
