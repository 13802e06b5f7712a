//! Errors in the three forms that the service uses, and in others.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Sent};
use crate::transport::{Answer, Explanation};

/// What an answer that is an error means.
pub(super) fn explain(answer: &Answer<'_>) -> Explanation {
    let body = match serde_json::from_slice::<Value>(answer.body) {
        Ok(Value::Object(body)) => Value::Object(body),
        _ => return Explanation { kind: not_from_koyeb(answer.status), ..Explanation::default() },
    };
    // A proxy in front of streams wraps it once more.
    let error = if body["error"].is_object() { &body["error"] } else { &body };
    let code = match &error["code"] {
        Value::String(code) if !code.is_empty() => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    };
    Explanation {
        kind: code.as_deref().and_then(|code| kind_of_word(code, answer.status)),
        message: message(error),
        fields: fields(error).filter_map(|field| Some(field["field"].as_str()?.to_owned())).collect(),
        code,
        ..Explanation::default()
    }
}

/// A good status with a body that isn't JSON is no answer of this API.
fn not_from_koyeb(status: u16) -> Option<ErrorKind> {
    (status < 400).then_some(ErrorKind::BadReply)
}

fn fields(error: &Value) -> impl Iterator<Item = &Value> {
    error["fields"].as_array().into_iter().flatten()
}

/// The message, and what the fields and details add to it.
fn message(error: &Value) -> String {
    let text =
        |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let fields = fields(error).filter_map(|field| {
        let (name, why) = (text(&field["field"])?, text(&field["description"])?);
        Some(format!("{name}: {why}"))
    });
    let details =
        error["details"].as_array().into_iter().flatten().filter_map(|detail| text(&detail["message"]));
    let mut parts: Vec<String> = text(&error["message"]).into_iter().collect();
    parts.extend(fields.chain(details));
    parts.join("; ")
}

/// The kind, if the code says more than the status. gRPC's numbers come without an HTTP status, or with a fitting one.
fn kind_of_word(code: &str, status: u16) -> Option<ErrorKind> {
    if let Ok(number) = code.parse::<i64>() {
        return (status < 400 || number == 9).then(|| kind_of_number(number));
    }
    match code {
        "failed_precondition" => Some(ErrorKind::Conflict),
        "already_exists" => Some(ErrorKind::AlreadyExists),
        "unknown_resource" => Some(ErrorKind::NotFound),
        "rate_limit_error" => Some(ErrorKind::RateLimited),
        _ => None,
    }
}

/// gRPC's codes.
pub(super) fn kind_of_number(code: i64) -> ErrorKind {
    match code {
        1 => ErrorKind::Cancelled,
        3 | 11 => ErrorKind::InvalidInput,
        4 | 14 => ErrorKind::Unavailable,
        5 => ErrorKind::NotFound,
        6 => ErrorKind::AlreadyExists,
        7 => ErrorKind::PermissionDenied,
        8 => ErrorKind::RateLimited,
        9 | 10 => ErrorKind::Conflict,
        12 => ErrorKind::Unsupported,
        16 => ErrorKind::Unauthenticated,
        _ => ErrorKind::Server,
    }
}

/// The error in a frame of a stream.
pub(super) fn of_frame(error: &Value) -> Error {
    let told = explain(&Answer {
        status: 0,
        headers: &Default::default(),
        body: &serde_json::to_vec(error).unwrap_or_default(),
    });
    let kind = told.kind.filter(|kind| *kind != ErrorKind::BadReply).unwrap_or(ErrorKind::Server);
    Error::new(kind, told.message).with(|e| {
        (e.sent, e.code, e.fields) = (Sent::Yes, told.code, told.fields);
    })
}

/// The failure of a request that may have taken effect and must not be sent again blindly.
pub(super) fn unclear(e: Error) -> Error {
    let unclear = e.sent() == Sent::Unknown && e.status().is_none();
    e.with(|inner| {
        if unclear {
            inner.kind = ErrorKind::OutcomeUnknown;
        }
    })
}

/// Errors that explain why a connection was closed at once.
pub(super) fn says_why(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::NotFound)
}

/// The messages of a state, for progress and errors.
pub(super) fn words(messages: &[String]) -> String {
    let said = messages.iter().map(|message| message.trim()).filter(|message| !message.is_empty());
    said.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> (ErrorKind, Option<String>, String, Vec<String>) {
        let headers = Default::default();
        let told = explain(&Answer { status, headers: &headers, body: body.as_bytes() });
        (told.kind.unwrap_or_else(|| ErrorKind::of_status(status)), told.code, told.message, told.fields)
    }

    #[test]
    fn three_shapes_and_none() {
        let text = |text: &str| Some(text.to_owned());
        let plain = r#"{"status":401,"code":"authentication_error","message":"Invalid token format"}"#;
        assert_eq!(
            told(401, plain),
            (ErrorKind::Unauthenticated, text("authentication_error"), "Invalid token format".into(), vec![])
        );
        let with_fields = r#"{"status":400,"code":"invalid_argument","message":"Validation error","fields":[{"field":"limit","description":"is too large"}]}"#;
        assert_eq!(
            told(400, with_fields),
            (
                ErrorKind::InvalidInput,
                text("invalid_argument"),
                "Validation error; limit: is too large".into(),
                vec!["limit".into()]
            )
        );
        let rpc = r#"{"code":9,"message":"failed_precondition","details":[{"message":"it is paused"}]}"#;
        assert_eq!(
            told(400, rpc),
            (ErrorKind::Conflict, text("9"), "failed_precondition; it is paused".into(), vec![])
        );
        for (status, body, kind) in [
            (502, "<html>Bad gateway</html>", ErrorKind::Unavailable),
            (403, "", ErrorKind::PermissionDenied),
            (429, "error code: 1015", ErrorKind::RateLimited),
            (500, "[]", ErrorKind::Server),
            (200, "<html>", ErrorKind::BadReply),
            (404, r#"{"code":null,"message":null,"fields":null,"details":null}"#, ErrorKind::NotFound),
        ] {
            assert_eq!(told(status, body), (kind, None, String::new(), vec![]), "{body}");
        }
    }

    #[test]
    fn words_that_say_more_than_the_status() {
        for (status, code, kind) in [
            (400, "failed_precondition", ErrorKind::Conflict),
            (400, "invalid_parameter", ErrorKind::InvalidInput),
            (403, "authentication_required", ErrorKind::PermissionDenied),
            (404, "unknown_resource", ErrorKind::NotFound),
            (500, "api_error", ErrorKind::Server),
            (418, "something_new", ErrorKind::Rejected),
        ] {
            let body = format!(r#"{{"status":{status},"code":"{code}","message":""}}"#);
            assert_eq!(told(status, &body).0, kind, "{code}");
        }
    }

    #[test]
    fn errors_in_frames() {
        let e = of_frame(&serde_json::json!({"code": 16, "message": "no", "details": []}));
        assert_eq!((e.kind(), e.code()), (ErrorKind::Unauthenticated, Some("16")));
        let e = of_frame(&serde_json::json!("boom"));
        assert_eq!(e.kind(), ErrorKind::Server);
    }
}
