//! What the server's errors mean: the `type` of the envelope around every answer, not the HTTP status, says that it is one.

use super::types;
use crate::error::Kind;
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
fn not_from_incus(status: u16) -> Option<Kind> {
    (status < 400).then_some(Kind::BadReply)
}

/// Incus has no machine-readable reasons; a few texts, each only together with the code it comes with.
pub(super) fn kind(code: u16, text: &str) -> Kind {
    let says = |words: &str| text.contains(words);
    match code {
        400 | 409 | 500 if says("already exists") || says("UNIQUE constraint failed") => Kind::AlreadyExists,
        500 if says("does not have permission") => Kind::PermissionDenied,
        409 if says("already in trust store") => Kind::AlreadyExists,
        409 if says("already in use") => Kind::AlreadyExists,
        400 if says("Instance must be stopped") => Kind::Conflict,
        500 if says("Server is not clustered") => Kind::Unsupported,
        400 if says("Instance is ") || says("can't be cancelled") => Kind::Conflict,
        400 | 500 if says("already running") || says("already stopped") => Kind::Conflict,
        _ => Kind::of_status(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_code_and_text() {
        let table = [
            (404, "Instance not found", Kind::NotFound),
            (500, "Instance \"n1\" already exists", Kind::AlreadyExists),
            (400, "UNIQUE constraint failed: instances.project_id, instances.name", Kind::AlreadyExists),
            (404, "already exists", Kind::NotFound),
            (409, "Certificate already in trust store", Kind::AlreadyExists),
            (400, "Instance is running", Kind::Conflict),
            (400, "This operation can't be cancelled", Kind::Conflict),
            (500, "The instance is already running", Kind::Conflict),
            (400, "Invalid instance name", Kind::InvalidInput),
            (403, "not authorized", Kind::PermissionDenied),
            (500, "User does not have permissions for project \"blue\"", Kind::PermissionDenied),
            (412, "ETag doesn't match", Kind::PreconditionFailed),
            (409, "Name \"n1\" already in use", Kind::AlreadyExists),
            (400, "Instance must be stopped to be moved statelessly", Kind::Conflict),
            (500, "Server is not clustered", Kind::Unsupported),
            (501, "not implemented", Kind::Unsupported),
            (500, "boom", Kind::Server),
            (503, "shutting down", Kind::Unavailable),
        ];
        for (code, text, expected) in table {
            assert_eq!(kind(code, text), expected, "{code} {text}");
        }
    }
}
