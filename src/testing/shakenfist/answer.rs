//! Answers as the server gives them: data bare, errors as `{"error", "status"}`, unknown routes in HTML.

use serde_json::{Map, Value, json};

use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

/// The reason of a refusal.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    status: u16,
    body: Value,
    headers: Vec<(&'static str, String)>,
}

pub(super) type Answer = Result<Reply, Failure>;

/// An answer with data.
pub(super) fn data(value: &Value) -> Reply {
    Reply::new(200, format!("{value}\n")).header("Content-Type", "application/json")
}

/// An answer without data.
pub(super) fn nothing() -> Reply {
    data(&Value::Null)
}

pub(super) fn failure(status: u16, error: impl Into<Value>) -> Failure {
    Failure { status, body: json!({ "error": error.into(), "status": status }), headers: Vec::new() }
}

impl Failure {
    pub(super) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body[key] = value.into();
        self
    }

    pub(super) fn reply(self) -> Reply {
        let reply = Reply::new(self.status, spaced(&self.body)).header("Content-Type", "application/json");
        self.headers.into_iter().fold(reply, |reply, (name, value)| reply.header(name, value))
    }
}

/// An object as Python writes it.
fn spaced(body: &Value) -> String {
    let members = body.as_object().into_iter().flatten().map(|(key, value)| format!("{key:?}: {value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

pub(super) fn no_such_route() -> Reply {
    let page = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n";
    Reply::new(404, page).header("Content-Type", "text/html; charset=utf-8")
}

pub(super) fn wrong_method() -> Reply {
    let body = json!({ "message": "The method is not allowed for the requested URL." });
    Reply::new(405, format!("{body}\n")).header("Content-Type", "application/json")
}

/// The UUID of the only one that was found by a name, if there is one.
pub(super) fn only_one<'a>(
    mut found: impl Iterator<Item = &'a String>,
    what: &str,
    name: &str,
    namespace: &str,
) -> Result<Option<String>, Failure> {
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => {
            let text = format!("multiple {what}s have the name \"{name}\" in namespace \"{namespace}\"");
            Err(failure(400, text))
        }
        (found, _) => Ok(found.cloned()),
    }
}

pub(super) fn not_found(what: &str) -> Failure {
    failure(404, format!("{what} not found"))
}

/// The options of a request. An option that the handler doesn't know is an error of Python's.
pub(super) fn options(
    request: &Request,
    handler: &str,
    known: &[&str],
) -> Result<Map<String, Value>, Failure> {
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    let members = match request.json() {
        Some(Value::Object(members)) => members,
        Some(Value::Array(_)) => {
            return Err(failure(500, "server error: IndexError('list index out of range')"));
        }
        _ => return Err(failure(400, "argument of type 'NoneType' is not iterable")),
    };
    match members.keys().find(|key| !known.contains(&key.as_str())) {
        Some(odd) => {
            let method = request.method.to_lowercase();
            let text = format!("{handler}.{method}() got an unexpected keyword argument '{odd}'");
            Err(failure(400, text))
        }
        None => Ok(members),
    }
}

/// An option that is a text.
pub(super) fn text<'a>(options: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    options.get(key).and_then(Value::as_str)
}
