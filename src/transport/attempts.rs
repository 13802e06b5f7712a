//! The retry loop: sends a request again if the verdict says that this is safe and may help.

use std::future::ready;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Request as HttpRequest, StatusCode};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::attempt::{Attempt, Failure, Got, Sending, outcome};
use super::failure::{Answer, broken};
#[cfg(windlass_planted)]
use super::planted;
use super::received::{Content, Received};
use super::retry_after::retry_after;
use super::span::{request_ended, span};
use super::{Facts, Request, upgrade};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::credential::Stamp;
use crate::transport::gate::{Gate, Permit};
use crate::transport::head::Course;
use crate::transport::retry::{self, Outcome, Verdict};
use crate::transport::tls;
use crate::transport::{Reply, RetryClass};

/// Sends a request within the limits of its handle.
pub(super) fn run(request: Box<Request>) -> BoxFuture<'static, Result<Received, Error>> {
    let (mut attempts, http) = match Attempts::of(request) {
        Ok(attempts) => attempts,
        Err(e) => return Box::pin(ready(Err(e))),
    };
    let span = attempts.span.clone();
    let call = async move {
        let result = attempts.run(http).await?;
        let connection = match attempts.end(result)? {
            End::Complete(received) => return Ok(received),
            End::Upgrade(connection) => connection,
        };
        connection.await
    };
    Box::pin(call.instrument(span))
}

/// Adds the headers that are the same in every attempt. Returns the key of a websocket request.
fn dress(facts: &Facts, request: &mut HttpRequest) -> Option<String> {
    if let Some(id) = &facts.request_id {
        request.headers_mut().insert("x-request-id", id.clone());
    }
    match facts.endpoint.reply {
        Reply::Upgrade => upgrade::ask(request.headers_mut()),
        Reply::Json | Reply::Empty | Reply::Stream => None,
    }
}

/// Many calls can queue for their turn at the same time, so this is small: what only a request on its way needs is made
/// for that one, and dropped with it.
struct Attempts {
    sending: Sending,
    websocket_key: Option<String>,
    span: Span,
    token: TokenUse,
}

/// The end of a good call.
#[allow(clippy::large_enum_variant)] // it is taken apart at once
enum End {
    Complete(Received),
    /// The connection has yet to be taken over.
    Upgrade(BoxFuture<'static, Result<Received, Error>>),
}

/// What follows an attempt.
#[allow(clippy::large_enum_variant)] // it is taken apart at once
enum Next {
    Stop(Attempt),
    /// Another attempt with this copy, after a pause.
    Again(Box<HttpRequest>, Option<Duration>),
}

/// The use of the token in this call.
#[derive(Default)]
struct TokenUse {
    sent: Option<Stamp>,
    renewed: bool,
}

impl Attempts {
    fn of(request: Box<Request>) -> Result<(Self, Box<HttpRequest>), Error> {
        let bounded = request.bounded;
        let (mut http, facts) = request.finish()?;
        let handle = facts.handle().clone();
        let websocket_key = dress(&facts, &mut http);
        let span = span(handle.0.shared.api, facts.endpoint, &http);
        let course = Course::of(facts.endpoint, &http);
        let sending = Sending { handle, facts, course, bounded, started: Instant::now() };
        Ok((Self { sending, websocket_key, span, token: TokenUse::default() }, Box::new(http)))
    }

    /// Sends it until there is nothing more to try, and returns what came last.
    async fn run(&mut self, mut request: Box<HttpRequest>) -> Result<Attempt, Error> {
        loop {
            let permit = match self.permit().await {
                Ok(permit) => permit,
                Err(e) => return Err(self.unsent(e)),
            };
            let pause = match Box::pin(self.attempt(request, permit)).await? {
                Next::Stop(result) => return Ok(result),
                Next::Again(spare, pause) => {
                    request = spare;
                    pause
                }
            };
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Waits until it may be sent. This takes from the call's time.
    async fn permit(&self) -> Result<Permit, Error> {
        self.turn().await?;
        let permit = self.gate().permit(self.sending.left()).await;
        permit.ok_or_else(|| self.gate().full(self.sending.handle.retry().total))
    }

    /// Sends it once.
    async fn attempt(&mut self, request: Box<HttpRequest>, permit: Permit) -> Result<Next, Error> {
        let (mut request, spare) = match self.copy(&request) {
            Some(copy) => (copy, Some(request)),
            None => (*request, None),
        };
        if let Err(e) = self.sign(&mut request).await {
            return Err(self.unsent(e));
        }
        let began = Instant::now();
        let result = self.sending.attempt(request, began).await;
        #[cfg(windlass_planted)]
        let permit = planted::kept("kept-permit", permit);
        drop(permit);
        let outcome = outcome(&result);
        let error = self.note(&result, outcome);
        request_ended(&self.sending.facts, error, began);
        self.tell_pace(&result);
        if self.has_stale_token(outcome)
            && let Some(spare) = spare
        {
            self.renew_token().await;
            return Ok(Next::Again(spare, None));
        }
        Ok(match (self.again(outcome, &result, spare.is_some()), spare) {
            (Some(pause), Some(spare)) => {
                tracing::debug!(?outcome, ?pause, "sending again");
                Next::Again(spare, Some(pause))
            }
            _ => Next::Stop(result),
        })
    }

    /// A copy to send, if there may be another attempt. `None` if there can't be one, or if the body is a stream.
    fn copy(&self, request: &HttpRequest) -> Option<HttpRequest> {
        let last = self.sending.facts.attempts + 1 >= self.sending.handle.retry().attempts;
        let repeated = !last && self.sending.facts.endpoint.retry != RetryClass::Never;
        (repeated || self.may_renew_token()).then(|| copy(request)).flatten()
    }

    fn gate(&self) -> &Gate {
        match self.sending.course {
            Course::LongPoll(_) => &self.sending.shared().long_polls,
            // Event streams spare other waits their requests, so they must not queue behind them.
            Course::Plain if self.sending.facts.endpoint.reply == Reply::Upgrade => {
                &self.sending.shared().long_polls
            }
            Course::Plain | Course::Upload => &self.sending.shared().requests,
        }
    }

    /// Adds the headers that each attempt needs.
    async fn sign(&mut self, request: &mut HttpRequest) -> Result<(), Error> {
        // Requests are small while they queue. This is room for all that follow.
        request.headers_mut().reserve(5);
        let put_on = self.sending.shared().credential.put_on(request.headers_mut());
        let stamp = match self.sending.shared().credential.is_renewable() {
            false => put_on.await?,
            true => tokio::time::timeout(self.sending.left(), put_on).await.map_err(|_| {
                let total = self.sending.handle.retry().total;
                Error::new(ErrorKind::Timeout, format!("no token within {total:?} (Retry::total)"))
            })??,
        };
        self.token.sent = Some(stamp);
        #[cfg(windlass_planted)]
        if let Some(token) = request.headers().get("authorization").filter(|_| planted::has("shown-token")) {
            self.sending.facts.push_object(token.to_str().unwrap_or_default());
        }
        match self.sending.facts.endpoint.reply {
            Reply::Upgrade => (self.sending.shared().upgrade)(request.headers_mut()),
            Reply::Json => {
                request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
            }
            Reply::Empty | Reply::Stream => {}
        }
        Ok(())
    }

    /// Waits for the account's rate limit, if the service has one.
    async fn turn(&self) -> Result<(), Error> {
        let Some(pace) = &self.sending.shared().pace else { return Ok(()) };
        // In a box: most services have none.
        let turn = Box::pin(pace.turn(self.sending.facts.endpoint.id));
        tokio::time::timeout(self.sending.left(), turn).await.map_err(|_| {
            Error::new(
                ErrorKind::Timeout,
                "the rate limit didn't allow the request within the time limit of the call",
            )
        })
    }

    /// Tells the other requests of the account to slow down, too.
    fn tell_pace(&self, result: &Attempt) {
        if let (Some(pace), Ok(got)) = (&self.sending.shared().pace, result)
            && got.status == StatusCode::TOO_MANY_REQUESTS
        {
            pace.too_fast(self.sending.facts.endpoint.id, retry_after(got.status.as_u16(), &got.headers));
        }
    }

    /// The error of a request that wasn't sent.
    fn unsent(&mut self, e: Error) -> Error {
        // The status of an earlier attempt says nothing about this.
        self.sending.facts.status = None;
        self.span.record("error.type", "not sent");
        self.sending.facts.error(e)
    }

    fn may_renew_token(&self) -> bool {
        self.sending.shared().credential.is_renewable() && !self.token.renewed
    }

    /// Whether a new token may help: the server did nothing with this one.
    fn has_stale_token(&self, outcome: Outcome) -> bool {
        matches!(outcome, Outcome::Answered(401)) && self.may_renew_token()
    }

    async fn renew_token(&mut self) {
        self.token.renewed = true;
        if let Some(stamp) = self.token.sent {
            self.sending.shared().credential.refused(stamp).await;
        }
    }

    /// The pause before the next attempt. `None` if there is to be none.
    fn again(&self, outcome: Outcome, result: &Attempt, spare: bool) -> Option<Duration> {
        let (endpoint, shared, retry) =
            (self.sending.facts.endpoint, self.sending.shared(), self.sending.handle.retry());
        if retry::verdict(endpoint.retry, endpoint.not_processed, outcome) == Verdict::Stop {
            if matches!(outcome, Outcome::Answered(status) if status < 500) {
                shared.budget.give_back();
            }
            return None;
        }
        if matches!(result, Err(Failure::Http(e)) if tls::distrust(e).is_some()) {
            return None;
        }
        let asked = result.as_ref().ok().and_then(|got| retry_after(got.status.as_u16(), &got.headers));
        let pause = retry.pause(self.sending.facts.attempts + 1, asked, rand::random());
        let in_time = pause < self.sending.left();
        // The copy may exist only to renew the token. Don't pay for an attempt that won't happen.
        let more = spare && self.sending.facts.attempts < retry.attempts;
        let may = more && in_time && shared.budget.take();
        may.then_some(pause)
    }

    /// Notes what is known now. Returns why there is no answer, in a word.
    fn note(&mut self, result: &Attempt, outcome: Outcome) -> Option<&'static str> {
        let facts = &mut self.sending.facts;
        facts.attempts += 1;
        if facts.attempts > 1 {
            self.span.record("http.request.resend_count", facts.attempts - 1);
        }
        match outcome {
            Outcome::Answered(status) => {
                facts.sent = Some(Sent::Yes);
                self.span.record("http.response.status_code", status);
                if status >= 400 {
                    self.span.record("error.type", status);
                }
                None
            }
            Outcome::Broken(sent) => {
                // A failed connection now doesn't mean that earlier attempts weren't received.
                facts.sent = if sent == Sent::No { facts.sent.or(Some(sent)) } else { Some(sent) };
                let own = matches!(result, Err(Failure::Own(_)));
                let error = if own { "timeout" } else { "connection" };
                self.span.record("error.type", error);
                Some(error)
            }
        }
    }

    fn end(mut self, result: Attempt) -> Result<End, Error> {
        let websocket_key = self.websocket_key.take();
        let received = self.received(result)?;
        Ok(match (&received.content, received.facts.endpoint.reply) {
            (Content::Open(_), Reply::Upgrade) => End::Upgrade(Box::pin(taken_over(received, websocket_key))),
            _ => End::Complete(received),
        })
    }

    /// The result of the call.
    fn received(self, result: Attempt) -> Result<Received, Error> {
        let facts = self.sending.facts;
        let Got { status, headers, content } = match result {
            Ok(got) => got,
            Err(Failure::Http(e)) => return Err(facts.error(broken(e))),
            Err(Failure::Own(e)) => return Err(facts.error(e)),
        };
        match facts.endpoint.accepts(status.as_u16()) {
            true => Ok(Received { headers, content, facts }),
            false => Err(refused(&facts, &headers, &content)),
        }
    }
}

/// An answer that hands its connection over.
async fn taken_over(received: Received, websocket_key: Option<String>) -> Result<Received, Error> {
    let Received { headers, content, facts } = received;
    let content = match content {
        Content::Open(response) => {
            Content::Upgraded(upgrade::take_over(response, websocket_key.as_deref(), &facts).await?)
        }
        content => content,
    };
    Ok(Received { headers, content, facts })
}

fn refused(facts: &Facts, headers: &HeaderMap, content: &Content) -> Error {
    let body: &[u8] = match content {
        Content::Whole(body) => body,
        Content::Open(_) | Content::Upgraded(_) => b"",
    };
    facts.refused(&Answer { status: facts.status.unwrap_or_default(), headers, body })
}

/// Like `try_clone`, but without the capacity it reserves: most requests have no body and few headers.
fn copy(request: &HttpRequest) -> Option<HttpRequest> {
    if request.body().is_some() {
        return request.try_clone();
    }
    let mut copy = HttpRequest::new(request.method().clone(), request.url().clone());
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Endpoint, Label};

    const GET: Endpoint = Endpoint {
        id: "get",
        method: "GET",
        path: "/1.0/things/{id}",
        retry: RetryClass::Safe,
        not_processed: &[],
        statuses: &[200],
        reply: Reply::Json,
        envelope: "",
        timeout: true,
    };

    #[test]
    fn a_call_that_queues_is_small() -> Result<(), Error> {
        let handle = Label::of("incus", "get", "http://localhost")?.handle().clone();
        let mut request = Request::new(&handle, &GET);
        request.segment("id", Some("1".to_owned()));
        let size = size_of_val(&*run(Box::new(request)));
        assert!(size <= 1_024, "{size} bytes");
        Ok(())
    }
}
