//! What the server's errors mean: the `type` of the envelope around every answer marks them, not the HTTP status.

use crate::error::ErrorKind;
use crate::incus::types;
use crate::transport::{Answer, Explanation};

/// What Incus means with an answer that is an error.
pub(super) fn explain(answer: &Answer<'_>) -> Explanation {
    let Ok(reply) = serde_json::from_slice::<types::ErrorReply>(answer.body) else {
        return Explanation { kind: not_from_incus(answer.status), ..Explanation::default() };
    };
    let code = u16::try_from(reply.error_code).ok().filter(|code| *code != 0);
    let code_or_status = code.unwrap_or(answer.status);
    Explanation {
        kind: Some(kind(code_or_status, &reply.error)),
        code: code.map(|code| code.to_string()),
        message: reply.error,
        ..Explanation::default()
    }
}

/// A good status with a body that is no envelope is no answer of this API.
fn not_from_incus(status: u16) -> Option<ErrorKind> {
    (status < 400).then_some(ErrorKind::BadReply)
}

/// Incus has no machine-readable reasons; a few texts, each only together with the code it comes with.
pub(super) fn kind(code: u16, text: &str) -> ErrorKind {
    let says = |words: &str| text.contains(words);
    match code {
        400 | 409 | 500 if says("already exists") || says("UNIQUE constraint failed") => {
            ErrorKind::AlreadyExists
        }
        500 if says("does not have permission") => ErrorKind::PermissionDenied,
        409 if says("already in trust store") => ErrorKind::AlreadyExists,
        409 if says("already in use") => ErrorKind::AlreadyExists,
        400 if says("Instance must be stopped") => ErrorKind::Conflict,
        500 if says("Server is not clustered") => ErrorKind::Unsupported,
        400 if says("Instance is ") || says("can't be cancelled") => ErrorKind::Conflict,
        400 | 500 if says("already running") || says("already stopped") => ErrorKind::Conflict,
        _ => ErrorKind::of_status(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_code_and_text() {
        let table = [
            (404, "Instance not found", ErrorKind::NotFound),
            (500, "Instance \"n1\" already exists", ErrorKind::AlreadyExists),
            (400, "UNIQUE constraint failed: instances.project_id, instances.name", ErrorKind::AlreadyExists),
            (404, "already exists", ErrorKind::NotFound),
            (409, "Certificate already in trust store", ErrorKind::AlreadyExists),
            (400, "Instance is running", ErrorKind::Conflict),
            (400, "This operation can't be cancelled", ErrorKind::Conflict),
            (500, "The instance is already running", ErrorKind::Conflict),
            (400, "Invalid instance name", ErrorKind::InvalidInput),
            (403, "not authorized", ErrorKind::PermissionDenied),
            (500, "User does not have permissions for project \"blue\"", ErrorKind::PermissionDenied),
            (412, "ETag doesn't match", ErrorKind::PreconditionFailed),
            (409, "Name \"n1\" already in use", ErrorKind::AlreadyExists),
            (400, "Instance must be stopped to be moved statelessly", ErrorKind::Conflict),
            (500, "Server is not clustered", ErrorKind::Unsupported),
            (501, "not implemented", ErrorKind::Unsupported),
            (500, "boom", ErrorKind::Server),
            (503, "shutting down", ErrorKind::Unavailable),
        ];
        for (code, text, expected) in table {
            assert_eq!(kind(code, text), expected, "{code} {text}");
        }
    }
}
