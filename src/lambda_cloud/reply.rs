//! What answers that are errors mean.

use crate::error::{Error, ErrorKind, Sent};
use crate::raw::lambda_cloud::types;
use crate::transport::{Answer, Explanation};

use super::error_code::ErrorCode;

/// What an answer that is an error means.
pub(super) fn explain(answer: &Answer<'_>) -> Explanation {
    match serde_json::from_slice::<types::ErrorReply>(answer.body) {
        Ok(reply) if !reply.error.code.is_empty() => Explanation {
            kind: Some(ErrorCode::kind(&reply.error.code, answer.status)),
            message: reply.error.message,
            suggestion: reply.error.suggestion,
            code: Some(reply.error.code),
            request_id: request_id(answer),
            ..Explanation::default()
        },
        Ok(reply) => Explanation { message: reply.error.message, ..from_the_edge(answer) },
        Err(_) => from_the_edge(answer),
    }
}

/// Answers without the envelope come from Cloudflare, in HTML or as plain text, or from something else on the way.
fn from_the_edge(answer: &Answer<'_>) -> Explanation {
    let throttled = answer.status == 429 || says_1015(answer.body);
    let (kind, message) = match answer.status {
        _ if throttled => (Some(ErrorKind::RateLimited), "the edge refuses to pass on more requests"),
        // A good status with a body that is no envelope is no answer of this API.
        ..400 => (Some(ErrorKind::BadReply), ""),
        _ => (None, ""),
    };
    Explanation {
        kind,
        message: message.to_owned(),
        request_id: request_id(answer),
        ..Explanation::default()
    }
}

/// Cloudflare's number for a rate limit.
fn says_1015(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("error code: 1015") || text.contains("error 1015")
}

fn request_id(answer: &Answer<'_>) -> Option<String> {
    let ray = answer.headers.get("x-request-id").or_else(|| answer.headers.get("cf-ray"))?;
    ray.to_str().ok().map(str::to_owned)
}

/// Whether the request may have taken effect although it failed.
pub(super) fn is_ambiguous(e: &Error) -> bool {
    match e.status() {
        // A refusal, in whatever form.
        Some(429 | 300..=407 | 409..=428 | 430..=499) => false,
        // Accepted, but the answer can't be read.
        Some(200..=299) => e.code().is_none(),
        // The vendor promises nothing for these, with or without an envelope.
        Some(_) => e.kind() != ErrorKind::RateLimited,
        None => e.sent() == Sent::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderValue};

    fn explained(status: u16, body: &str) -> Explanation {
        let mut headers = HeaderMap::new();
        headers.insert("cf-ray", HeaderValue::from_static("8f1-SJC"));
        explain(&Answer { status, headers: &headers, body: body.as_bytes() })
    }

    #[test]
    fn envelopes() {
        let told = explained(
            404,
            r#"{"error":{"code":"global/quota-exceeded","message":"m","suggestion":"s","new":1},"more":2}"#,
        );
        assert_eq!(told.kind, Some(ErrorKind::QuotaExceeded));
        assert_eq!((told.message.as_str(), told.suggestion.as_deref()), ("m", Some("s")));
        assert_eq!(told.code.as_deref(), Some("global/quota-exceeded"));
        assert_eq!(told.request_id.as_deref(), Some("8f1-SJC"));
        let bare = explained(500, r#"{"error":{"code":"global/unknown"}}"#);
        assert_eq!((bare.kind, bare.suggestion), (Some(ErrorKind::Rejected), None));
    }

    #[test]
    fn answers_of_the_edge() {
        let html = "<!DOCTYPE html><title>Access denied | Error 1015</title>";
        for (status, body) in [(429, html), (429, ""), (403, html), (503, "error code: 1015")] {
            assert_eq!(explained(status, body).kind, Some(ErrorKind::RateLimited), "{status} {body}");
        }
        assert_eq!(explained(502, "<html>bad gateway</html>").kind, None);
        assert_eq!(explained(200, "<html>welcome</html>").kind, Some(ErrorKind::BadReply));
        assert_eq!(explained(400, r#"{"error":{"message":"m"}}"#).message, "m");
    }

    #[test]
    fn what_may_have_taken_effect() {
        let e = |status: Option<u16>, sent, code: Option<&str>| {
            Error::new(ErrorKind::Server, "").with(|e| {
                (e.status, e.sent, e.code) = (status, sent, code.map(str::to_owned));
            })
        };
        let table = [
            (None, Sent::No, None, false),
            (None, Sent::Unknown, None, true),
            (Some(200), Sent::Yes, None, true),
            (Some(302), Sent::Yes, None, false),
            (Some(400), Sent::Yes, Some("global/unknown"), false),
            (Some(403), Sent::Yes, None, false),
            (Some(408), Sent::Yes, None, true),
            (Some(429), Sent::Yes, None, false),
            (Some(500), Sent::Yes, Some("global/internal-error"), true),
            (Some(502), Sent::Yes, None, true),
            (Some(503), Sent::Yes, None, true),
        ];
        for (status, sent, code, expected) in table {
            assert_eq!(is_ambiguous(&e(status, sent, code)), expected, "{status:?} {sent:?} {code:?}");
        }
    }
}
