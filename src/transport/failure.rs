//! Making errors from failed connections, answers and bodies.

use bytes::Bytes;
use reqwest::header::HeaderMap;

use super::retry_after::retry_after;
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::tls;

/// An answer that is an error.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// How an API reads such an answer.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// The kind, if the status alone is misleading.
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) suggestion: Option<String>,
    pub(crate) fields: Vec<String>,
}

pub(super) fn answered(answer: &Answer<'_>, explain: fn(&Answer<'_>) -> Explanation) -> Error {
    let told = explain(answer);
    let kind = told.kind.unwrap_or_else(|| ErrorKind::of_status(answer.status));
    Error::new(kind, told.message).with(|e| {
        e.status = Some(answer.status);
        e.code = told.code;
        e.request_id = told.request_id;
        e.suggestion = told.suggestion;
        e.fields = told.fields;
        e.retry_after = retry_after(answer.status, answer.headers);
        e.body = excerpt(answer.body);
    })
}

/// The error without a complete answer.
pub(super) fn broken(e: reqwest::Error) -> Error {
    // The URL may hold the secret of a stream.
    let e = e.without_url();
    let stranger = tls::distrust(&e);
    let kind = match () {
        () if stranger.is_some() => ErrorKind::UntrustedServer,
        () if e.is_timeout() => ErrorKind::Timeout,
        () if e.is_connect() => ErrorKind::Connect,
        () if e.is_builder() => ErrorKind::InvalidInput,
        () => ErrorKind::Interrupted,
    };
    let message = stranger.unwrap_or_else(|| innermost(&e));
    Error::new(kind, message).with(|inner| {
        inner.sent = sent(&e);
        inner.source = Some(e.into());
    })
}

/// Whether a request that failed like this reached the server.
pub(super) fn sent(e: &reqwest::Error) -> Sent {
    if e.is_connect() || e.is_builder() { Sent::No } else { Sent::Unknown }
}

/// The last cause says most: "connection refused" rather than "error sending request".
fn innermost(e: &dyn std::error::Error) -> String {
    let mut last = e;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

pub(super) fn undecodable(body: &[u8], e: &serde_json::Error) -> Error {
    let message = if body.is_empty() {
        "the reply has no body".to_owned()
    } else {
        format!("the reply doesn't match the API's description: {}", without_values(&e.to_string()))
    };
    Error::new(ErrorKind::BadReply, message).with(|inner| inner.body = excerpt(body))
}

/// The error of an answer that lacks the member with the data.
pub(super) fn without(member: &str, body: &[u8]) -> Error {
    Error::new(ErrorKind::BadReply, format!("the reply has no {member}"))
        .with(|inner| inner.body = excerpt(body))
}

/// Removes the value that serde_json quotes, because it may be a secret.
fn without_values(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected")) {
        (Some(from), Some(to)) if from < to => format!("{}string …{}", &message[..from], &message[to + 1..]),
        _ => message.to_owned(),
    }
}

/// The beginning of a body, to show what it was.
fn excerpt(body: &[u8]) -> Bytes {
    const MOST: usize = 2_048;
    #[cfg(windlass_planted)]
    if super::planted::has("no-body") {
        return Bytes::new();
    }
    Bytes::copy_from_slice(&body[..body.len().min(MOST)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_parser_lose_their_values() {
        let e = serde_json::from_str::<u32>(r#""hunter2""#).map_err(|e| without_values(&e.to_string()));
        assert_eq!(e, Err("invalid type: string …, expected u32 at line 1 column 9".to_owned()));
    }
}
