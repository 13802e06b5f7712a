//! One call of the typed layer, and the error that becomes of a failed one.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, Ready, ready};
use progenitor_client::ResponseValue;
use reqwest::Response;

use crate::error::{Error, Kind, Sent};
use crate::own::Own;
use crate::raw::{self, RetryClass};
use crate::tls;
use crate::transport::{Answer, Explanation, Inner, Record, Shared, retry_after, too_large};

/// One typed call: a raw client with a record of its own.
pub(crate) struct Call<C> {
    client: C,
    api: &'static str,
    explain: fn(&Answer<'_>) -> Explanation,
    json_body: u64,
    shared: Arc<Shared>,
    record: Arc<Record>,
}

/// What a call comes to.
pub(crate) type Done<'a, T> = Either<Ready<Result<T, Error>>, BoxFuture<'a, Result<T, Error>>>;

impl<C> Call<C> {
    /// `rebuild` makes the raw client of this call from the inner value.
    pub(crate) fn new(inner: &Inner, rebuild: impl FnOnce(Inner) -> C) -> Self {
        let (own, record) = inner.recorded();
        let shared = own.shared.clone();
        let (api, explain, json_body) = (shared.api, shared.explain, shared.limits.json_body);
        Self { client: rebuild(own), api, explain, json_body, shared, record }
    }

    /// An error over an answer that came with a good status and yet is none: a JSON error inside HTTP 200.
    pub(crate) fn refused(&self, status: u16, body: &[u8]) -> Error {
        let headers = self.record.lock().headers.clone();
        self.label(answered(&Answer { status, headers: &headers, body }, self.explain))
    }

    pub(crate) fn bad_reply(&self, message: impl Into<String>) -> Error {
        self.label(Error::new(Kind::BadReply, message))
    }

    /// An error over a document that comes as a stream, once it is larger than documents may be.
    pub(crate) fn check_size(&self, so_far: usize) -> Result<(), Error> {
        match u64::try_from(so_far).is_ok_and(|so_far| so_far <= self.json_body) {
            true => Ok(()),
            false => Err(self.bad_reply(too_large(self.json_body))),
        }
    }

    /// The key that the server's answer to a websocket request must be made from.
    pub(crate) fn websocket_key(&self) -> Option<String> {
        self.record.lock().websocket_key.take()
    }

    /// An error over content that broke off in the middle.
    pub(crate) fn broken_off(&self, e: reqwest::Error) -> Error {
        let e = broken(e);
        self.label(e.with(|e| e.message.insert_str(0, "the content broke off: ")))
    }

    /// Sends the body under another media type than the generated client's.
    pub(crate) fn media_type(&self, media_type: reqwest::header::HeaderValue) {
        self.record.lock().media_type = Some(media_type);
    }

    /// Sends this as `X-Request-ID`; errors name it, too.
    pub(crate) fn request_id(&self, id: &str) {
        self.record.lock().request_id = reqwest::header::HeaderValue::from_str(id).ok();
    }

    /// The caller itself bounds the time of an upload's answer: by the server's silence, or by a deadline of the whole.
    pub(crate) fn bounded(&self) {
        self.record.lock().bounded = true;
    }

    fn label(&self, e: Error) -> Error {
        let facts = self.record.lock().clone();
        e.with(|e| {
            e.api = self.api;
            e.server.clone_from(&self.shared.server);
            e.object = facts.object.unwrap_or_default();
            e.attempts = facts.attempts;
            e.status = e.status.or(facts.status);
            e.sent = facts.sent.unwrap_or(Sent::No);
            if e.request_id.is_none() {
                let own = facts.request_id.as_ref().and_then(|id| id.to_str().ok());
                e.request_id = own.map(str::to_owned);
            }
            if let Some(endpoint) = facts.endpoint {
                e.operation = endpoint.id;
                e.repeatable = endpoint.retry == RetryClass::Safe
                    || e.sent == Sent::No
                    || e.status.is_some_and(|status| endpoint.not_processed.contains(&status));
            }
        })
    }
}

impl<C: Sync> Call<C> {
    /// The result of the call, with an error that knows all there is to know.
    pub(crate) fn done<T>(&self, result: Result<ResponseValue<T>, raw::Error>) -> Done<'_, ResponseValue<T>> {
        self.then(result, Ok)
    }

    /// As [`done`](Self::done), with something made of a good answer.
    ///
    /// Only an error has something left to read. A good answer is large, and isn't carried through a state machine.
    pub(crate) fn then<T, U>(
        &self,
        result: Result<ResponseValue<T>, raw::Error>,
        make: impl FnOnce(ResponseValue<T>) -> Result<U, Error>,
    ) -> Done<'_, U> {
        match result {
            Ok(value) => Either::Left(ready(make(value))),
            Err(e) => Either::Right(Box::pin(async { Err(self.error(e).await) })),
        }
    }

    async fn error(&self, e: raw::Error) -> Error {
        let e = unwrap(e, self.explain).await;
        self.label(e)
    }
}

impl<C> Deref for Call<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.client
    }
}

impl Error {
    /// Turns the error of a raw call into ours; reads what is left of the answer.
    ///
    /// What only the typed layer knows is missing: the number of attempts, whether the call may be repeated, and the
    /// vendor's own codes.
    pub async fn from_raw(error: raw::Error) -> Self {
        unwrap(error, |answer| Explanation { message: plain_text(answer), ..Explanation::default() }).await
    }
}

fn plain_text(answer: &Answer<'_>) -> String {
    let text = answer.headers.get(reqwest::header::CONTENT_TYPE);
    let text =
        text.and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with("text/plain"));
    if text { String::from_utf8_lossy(answer.body).trim().to_owned() } else { String::new() }
}

async fn unwrap(error: raw::Error, explain: fn(&Answer<'_>) -> Explanation) -> Error {
    match error {
        raw::Error::InvalidRequest(message) | raw::Error::Custom(message) => {
            Error::new(Kind::InvalidInput, message)
        }
        raw::Error::CommunicationError(e)
        | raw::Error::ResponseBodyError(e)
        | raw::Error::InvalidUpgrade(e) => broken(e),
        raw::Error::InvalidResponsePayload(body, e) => undecodable(body, &e),
        raw::Error::UnexpectedResponse(response) => unexpected(response, explain).await,
        raw::Error::ErrorResponse(value) => answered(
            &Answer { status: value.status().as_u16(), headers: value.headers(), body: b"" },
            explain,
        ),
    }
}

/// No whole answer came.
fn broken(e: reqwest::Error) -> Error {
    // The URL may hold the secret of a stream.
    let e = e.without_url();
    let stranger = tls::distrust(&e);
    let kind = match () {
        () if stranger.is_some() => Kind::UntrustedServer,
        () if e.is_timeout() => Kind::Timeout,
        () if e.is_connect() => Kind::Connect,
        () if e.is_builder() => Kind::InvalidInput,
        () => Kind::Interrupted,
    };
    let sent = if e.is_connect() || e.is_builder() { Sent::No } else { Sent::Unknown };
    let message = stranger.unwrap_or_else(|| innermost(&e));
    Error::new(kind, message).with(|inner| {
        inner.sent = sent;
        inner.source = Some(e.into());
    })
}

/// The last cause says most: "connection refused" rather than "error sending request".
fn innermost(e: &dyn std::error::Error) -> String {
    let mut last = e;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

fn undecodable(body: Bytes, e: &serde_json::Error) -> Error {
    let message = if body.is_empty() {
        "the reply has no body".to_owned()
    } else {
        format!("the reply is not what the API describes: {}", without_values(&e.to_string()))
    };
    Error::new(Kind::BadReply, message).with(|inner| {
        inner.sent = Sent::Yes;
        inner.body = excerpt(&body);
    })
}

/// serde_json quotes the offending value, which may be a secret.
fn without_values(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected")) {
        (Some(from), Some(to)) if from < to => format!("{}string …{}", &message[..from], &message[to + 1..]),
        _ => message.to_owned(),
    }
}

async fn unexpected(mut response: Response, explain: fn(&Answer<'_>) -> Explanation) -> Error {
    if let Some(e) = Own::take(&mut response) {
        return e;
    }
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    // The transport has read it, as far as it goes.
    let body = response.bytes().await.unwrap_or_default();
    answered(&Answer { status, headers: &headers, body: &body }, explain)
}

fn answered(answer: &Answer<'_>, explain: fn(&Answer<'_>) -> Explanation) -> Error {
    let told = explain(answer);
    let kind = told.kind.unwrap_or_else(|| Kind::of_status(answer.status));
    Error::new(kind, told.message).with(|e| {
        e.status = Some(answer.status);
        e.sent = Sent::Yes;
        e.code = told.code;
        e.request_id = told.request_id;
        e.suggestion = told.suggestion;
        e.fields = told.fields;
        e.retry_after = retry_after(answer.status, answer.headers);
        e.body = excerpt(answer.body);
    })
}

/// Enough of a body to see what it was.
fn excerpt(body: &[u8]) -> Bytes {
    const MOST: usize = 2_048;
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
