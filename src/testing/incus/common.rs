//! Small functions that all routes use.

use chrono::DateTime;
use serde_json::Value;

use super::envelope::{Answer, Failure, failure};
use crate::testing::server::request::Request;
use crate::testing::server::tls::fingerprint;

pub(super) fn not_implemented() -> Answer {
    Err(failure(501, "not implemented"))
}

/// For what the real server does and the fake doesn't.
pub(super) fn lacking(request: &Request) -> Answer {
    let (method, path) = (&request.method, &request.path);
    Err(failure(501, format!("not implemented: the fake doesn't do this: {method} {path}")))
}

/// The body as a JSON object, or the error of Go's decoder.
pub(super) fn body(request: &Request) -> Result<Value, Failure> {
    if request.body.is_empty() {
        return Err(failure(400, "EOF"));
    }
    let parsed = serde_json::from_slice::<Value>(&request.body);
    match parsed {
        Ok(Value::Object(map)) => Ok(Value::Object(map)),
        Ok(_) => Err(failure(400, "json: cannot unmarshal value into Go value of type api.Object")),
        Err(error) if error.is_eof() => Err(failure(400, "unexpected EOF")),
        Err(error) => Err(failure(400, format!("invalid character: {error}"))),
    }
}

/// When it expires; `otherwise` if the request has no time.
pub(super) fn expiry(asked: &Value, otherwise: &str) -> Result<String, Failure> {
    let text = match &asked["expires_at"] {
        Value::Null => otherwise,
        Value::String(text) => text,
        _ => return Err(failure(400, "Time.UnmarshalJSON: input is not a JSON string")),
    };
    match DateTime::parse_from_rfc3339(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => {
            let form = "2006-01-02T15:04:05Z07:00";
            Err(failure(400, format!("parsing time {text:?} as {form:?}: cannot parse {text:?} as \"2006\"")))
        }
    }
}

pub(super) fn project(request: &Request) -> String {
    let given = request.param("project").filter(|given| !given.is_empty());
    given.unwrap_or_else(|| "default".to_owned())
}

/// The project of a list. `None` is all of them.
pub(super) fn project_filter(request: &Request) -> Result<Option<String>, Failure> {
    let all = matches!(request.param("all-projects").as_deref(), Some("true" | "1"));
    if !all {
        return Ok(Some(project(request)));
    }
    match request.param("project").filter(|given| !given.is_empty()) {
        Some(_) => Err(failure(400, "Cannot specify a project when requesting all projects")),
        None => Ok(None),
    }
}

/// Names and values of a query, decoded.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

pub(super) fn recursion(request: &Request) -> u64 {
    let given = request.param("recursion");
    given.and_then(|given| given.parse().ok()).unwrap_or(0)
}

/// A UUID of version 4, as the server's.
pub(super) fn uuid() -> String {
    let bits = rand::random::<u128>();
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

/// A secret that opens one websocket.
pub(super) fn secret() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

/// SHA-256, in hexadecimal: the fingerprint of an image, and the ETag of a document.
pub(super) fn digest(data: &[u8]) -> String {
    fingerprint(data)
}

#[cfg(test)]
mod tests {
    use super::{digest, uuid};

    #[test]
    fn identifiers_have_the_usual_shape() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert!(digest(b"busybox").starts_with("9d75f0d7c398df56"), "as sha256sum says");
    }
}
