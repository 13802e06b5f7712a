//! What Shaken Fist means by an error answer.

use serde_json::Value;

use super::types;
use crate::error::{Error, ErrorKind};
use crate::transport::{Answer, Explanation};

pub(super) fn explain(answer: &Answer<'_>) -> Explanation {
    let request_id = header(answer, "x-request-id");
    let told = match serde_json::from_slice::<types::ErrorReply>(answer.body) {
        Ok(reply) => spoken(answer.status, reply),
        Err(_) => silent(answer),
    };
    Explanation { request_id, ..told }
}

fn header(answer: &Answer<'_>, name: &str) -> Option<String> {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn spoken(status: u16, reply: types::ErrorReply) -> Explanation {
    let text = match reply.error {
        Some(Value::String(text)) => text,
        // Of networks: which were deleted and which couldn't be deleted.
        Some(other @ Value::Object(_)) => {
            let kind = (status == 403).then_some(ErrorKind::Conflict);
            return Explanation { kind, message: other.to_string(), ..Explanation::default() };
        }
        _ => reply.message.clone().unwrap_or_default(),
    };
    let empty = text.is_empty() && status == 401;
    let message = if empty { "the key behind the token, or its namespace, is gone".to_owned() } else { text };
    let fields = unknown_option(&message).map(str::to_owned).into_iter().collect();
    Explanation { kind: kind(status, &message), code: reply.stage, message, fields, ..Explanation::default() }
}

/// The answer isn't the server's own: it comes from a proxy, or there is no such route.
fn silent(answer: &Answer<'_>) -> Explanation {
    let (kind, message) = match answer.status {
        301 | 302 | 307 | 308 => {
            let to = header(answer, "location").unwrap_or_default();
            (Some(ErrorKind::Configuration), format!("the API is at another address: use {to}"))
        }
        404 => (
            Some(ErrorKind::Unsupported),
            "there is no such route: an older server, or the address lacks its path".to_owned(),
        ),
        _ => (None, String::new()),
    };
    Explanation { kind, message, ..Explanation::default() }
}

/// There are no machine-readable reasons, only a few texts, each with its status.
fn kind(status: u16, text: &str) -> Option<ErrorKind> {
    let says = |words: &str| text.contains(words);
    match status {
        400 if unknown_option(text).is_some() => Some(ErrorKind::Unsupported),
        // What 0.8.0.0rc4 makes of the error that it means to give with 409.
        400 if says("InvalidLifecycleState") || says("agent not ready") => Some(ErrorKind::Conflict),
        // Also the answer to what the namespace isn't allowed to do; another token can't help there.
        401 if text == "unauthorized" || says("you cannot") || says("only admins") => {
            Some(ErrorKind::PermissionDenied)
        }
        403 if says("exists") => Some(ErrorKind::AlreadyExists),
        406 => Some(ErrorKind::Conflict),
        // What 0.7 and 0.8 make of a change that doesn't fit the power state.
        500 if says("libvirtError('Requested operation is not valid") => Some(ErrorKind::Conflict),
        507 => Some(ErrorKind::InsufficientCapacity),
        _ => None,
    }
}

/// The option that this server doesn't have, in Python's words.
fn unknown_option(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("got an unexpected keyword argument '")?;
    rest.split('\'').next()
}

/// The state of what isn't ready yet, from an answer 406. The server did nothing.
pub(super) fn not_ready(e: &Error) -> Option<&str> {
    let (_, rest) = e.message().rsplit_once(" is not ready (")?;
    (e.status() == Some(406)).then(|| rest.trim_end_matches(')'))
}

/// Whether waiting can make it ready.
pub(super) fn may_become_ready(state: &str) -> bool {
    !(state == "delete-wait" || state == "deleted" || state.ends_with("error"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{HeaderMap, HeaderValue};

    fn told(status: u16, body: &str) -> Explanation {
        explain(&Answer { status, headers: &HeaderMap::new(), body: body.as_bytes() })
    }

    #[test]
    fn kinds_by_status_and_text() {
        let table = [
            (400, r#"{"error": "instance name x.y is not useable", "status": 400}"#, None),
            (
                400,
                r#"{"error": "A.post() got an unexpected keyword argument 'b'"}"#,
                Some(ErrorKind::Unsupported),
            ),
            (400, r#"{"error": "instance agent not ready"}"#, Some(ErrorKind::Conflict)),
            (
                400,
                r#"{"error": "Object of type InvalidLifecycleState is not JSON serializable"}"#,
                Some(ErrorKind::Conflict),
            ),
            (401, r#"{"error": "unauthorized", "status": 401}"#, Some(ErrorKind::PermissionDenied)),
            (401, r#"{"error": "you cannot delete other namespaces"}"#, Some(ErrorKind::PermissionDenied)),
            (401, r#"{"error": "Signature has expired"}"#, None),
            (401, r#"{"error": "", "status": 401}"#, None),
            (403, r#"{"error": "namespace exists"}"#, Some(ErrorKind::AlreadyExists)),
            (403, r#"{"error": {"deleted": [], "unable": ["x"]}, "status": 403}"#, Some(ErrorKind::Conflict)),
            (404, r#"{"error": "instance not found", "status": 404}"#, None),
            (404, "<!doctype html>", Some(ErrorKind::Unsupported)),
            (405, r#"{"message": "The method is not allowed"}"#, None),
            (406, r#"{"error": "instance x is not ready (preflight)"}"#, Some(ErrorKind::Conflict)),
            (507, r#"{"error": "no room"}"#, Some(ErrorKind::InsufficientCapacity)),
            (
                500,
                r#"{"error": "server error: libvirtError('Requested operation is not valid: domain is not running')"}"#,
                Some(ErrorKind::Conflict),
            ),
            (500, r#"{"error": "server error: KeyError('x')"}"#, None),
            (502, "<html>bad gateway</html>", None),
            (502, "", None),
        ];
        for (status, body, expected) in table {
            assert_eq!(told(status, body).kind, expected, "{status} {body}");
        }
    }

    #[test]
    fn all_forms_of_error_have_words() {
        assert_eq!(told(405, r#"{"message": "no such method"}"#).message, "no such method");
        assert!(told(403, r#"{"error": {"unable": ["net"]}}"#).message.contains("net"));
        assert!(told(401, r#"{"error": ""}"#).message.contains("gone"));
        let unknown = told(400, r#"{"error": "A.post() got an unexpected keyword argument 'provide_dns'"}"#);
        assert_eq!(unknown.fields, ["provide_dns"]);
        assert_eq!(
            told(507, r#"{"error": "full", "stage": "disk", "transient": true}"#).code.as_deref(),
            Some("disk")
        );
    }

    #[test]
    fn redirects_and_request_ids_are_told() {
        let mut headers = HeaderMap::new();
        headers.insert("location", HeaderValue::from_static("https://a/api/"));
        headers.insert("x-request-id", HeaderValue::from_static("7"));
        let told = explain(&Answer { status: 301, headers: &headers, body: b"<html>" });
        assert!(told.message.contains("https://a/api/"));
        assert_eq!((told.kind, told.request_id.as_deref()), (Some(ErrorKind::Configuration), Some("7")));
    }

    #[test]
    fn states_that_waiting_can_cure() {
        let e = |text: &str| Error::new(ErrorKind::Conflict, text).with(|e| e.status = Some(406));
        let state = |text| not_ready(&e(text)).map(may_become_ready);
        assert_eq!(state("instance 1 is not ready (preflight)"), Some(true));
        assert_eq!(state("network 1 is not ready (initial)"), Some(true));
        assert_eq!(state("instance 1 is not ready (deleted)"), Some(false));
        assert_eq!(state("instance 1 is not ready (created-error)"), Some(false));
        assert_eq!(state("invalid mode: zzz"), None);
        assert_eq!(not_ready(&Error::new(ErrorKind::Conflict, "x (initial)")), None);
    }
}
