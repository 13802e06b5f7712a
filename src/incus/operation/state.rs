//! What the states of an operation mean.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Sent};
use crate::incus::reply;
use crate::incus::types;
use crate::wait::Progress;

/// An error inside a good answer to `/wait`: servers up to 6.0.4 and 6.11 say both "it failed" and "time is up" so.
pub(in crate::incus) fn is_old_style(e: &Error) -> bool {
    e.status() == Some(200) && e.code().is_some()
}

pub(in crate::incus) fn says_out_of_time(e: &Error) -> bool {
    e.message() == "context deadline exceeded"
}

/// From 200 on a status code is final.
pub(in crate::incus) fn is_final(operation: &types::Operation) -> bool {
    operation.status_code >= 200
}

pub(in crate::incus) fn is_success(operation: &types::Operation) -> bool {
    operation.status_code == 200
}

/// Why an operation failed, in the server's words. A cancelled one has none.
pub(in crate::incus) fn failure(operation: &types::Operation) -> Error {
    let code = u16::try_from(operation.status_code).unwrap_or(400);
    let kind = match reply::kind(code, &operation.err) {
        _ if code == 401 => ErrorKind::Cancelled,
        told @ (ErrorKind::AlreadyExists | ErrorKind::Conflict) => told,
        _ => ErrorKind::OperationFailed,
    };
    let message = if operation.err.is_empty() { &operation.description } else { &operation.err };
    Error::new(kind, message.as_str()).with(|e| {
        e.code = Some(code.to_string());
        e.sent = Sent::Yes;
    })
}

/// The same where only the answer to a wait is left of the operation.
pub(in crate::incus) fn as_failure(answer: Error) -> Error {
    answer.with(|e| {
        if !matches!(e.kind, ErrorKind::AlreadyExists | ErrorKind::Conflict) {
            e.kind = ErrorKind::OperationFailed;
        }
    })
}

/// How far an operation has come. Frames can arrive out of order: within a stage it never goes back.
pub(in crate::incus) fn progress(told: Progress, before: &Progress) -> Progress {
    let stage = told.stage.or_else(|| before.stage.clone());
    let floor = if stage == before.stage { before.percent } else { None };
    Progress {
        message: if told.message.is_empty() { before.message.clone() } else { told.message },
        percent: told.percent.max(floor),
        stage,
        ..told
    }
}

/// What an operation tells of itself.
pub(in crate::incus) fn told(operation: &types::Operation) -> Progress {
    let told = operation.metadata.as_ref().and_then(|metadata| metadata.get("progress"));
    let text = |key: &str| told.and_then(|told| told.get(key)).and_then(as_text);
    Progress {
        status: operation.status.to_string(),
        message: operation.description.clone(),
        stage: text("stage"),
        percent: text("percent").and_then(|percent| percent.parse::<f64>().ok()).map(as_percent),
        speed: text("speed").and_then(|speed| speed.parse().ok()),
    }
}

/// Numbers come as strings; that may change.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to 0..=100
fn as_percent(percent: f64) -> u8 {
    percent.clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(json: &str) -> types::Operation {
        serde_json::from_str(json).unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn a_cancelled_operation_is_a_failure_without_words() {
        let cancelled = operation(
            r#"{"id":"1","status":"Cancelled","status_code":401,"err":"","description":"Executing"}"#,
        );
        assert!(is_final(&cancelled) && !is_success(&cancelled));
        assert_eq!(failure(&cancelled).kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn an_unknown_status_is_kept_and_goes_by_its_code() {
        let odd =
            operation(r#"{"id":"1","status":"Pondering","status_code":150,"new":"field","metadata":null}"#);
        assert_eq!(odd.status.as_str(), "Pondering");
        assert_eq!(odd.extra.get("new").and_then(Value::as_str), Some("field"));
        assert!(!is_final(&odd));
    }

    #[test]
    fn progress_never_goes_back_within_a_stage() {
        let at = |percent: &str, before: &Progress| {
            let json = format!(
                r#"{{"id":"1","status":"Running","metadata":{{"progress":{{"percent":"{percent}","speed":"12","stage":"unpack"}}}}}}"#
            );
            progress(told(&operation(&json)), before)
        };
        let ten = at("10", &Progress::default());
        assert_eq!((ten.percent, ten.speed, ten.stage.as_deref()), (Some(10), Some(12), Some("unpack")));
        assert_eq!(at("7", &ten).percent, Some(10));
        assert_eq!(at("11", &ten).percent, Some(11));
        assert_eq!(at("nonsense", &ten).percent, Some(10));
    }
}
