//! The one way out: every call, typed or raw, of every API passes through [`exec`].

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use progenitor_client::OperationInfo;
use reqwest::header::{
    ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, UPGRADE,
};
use reqwest::{Request, Response, StatusCode};
use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use crate::body::{self, Unread};
use crate::connects;
use crate::credential::{Credential, Stamp};
use crate::error::{Error, Kind, Sent};
use crate::gate::{Gate, Place};
use crate::head::{Bound, Course};
use crate::limits::Limits;
use crate::object;
use crate::outgoing::Silence;
use crate::own::Own;
use crate::pace::Pace;
use crate::raw::{Endpoint, Reply, RetryClass};
use crate::retry::{self, Budget, Outcome, Retry, Verdict};
use crate::tls;

/// What a generated client carries: the settings of its handle and, for a typed call, the record of that call.
#[derive(Clone)]
pub struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) retry: Retry,
    record: Option<Arc<Record>>,
}

/// What all handles of a client share.
pub(crate) struct Shared {
    pub(crate) api: &'static str,
    pub(crate) endpoints: &'static [Endpoint],
    pub(crate) explain: fn(&Answer<'_>) -> Explanation,
    /// Where the server is, for errors.
    pub(crate) server: String,
    credential: Credential,
    /// What else a request for a websocket needs, once the credential is on it.
    upgrade: fn(&mut HeaderMap),
    pace: Option<Pace>,
    pub(crate) limits: Limits,
    requests: Gate,
    /// They last long, and must not keep others waiting; websockets begin here as well.
    long_polls: Gate,
    budget: Budget,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (api, retry) = (self.shared.api, &self.retry);
        f.debug_struct("Inner").field("api", &api).field("retry", retry).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        api: &'static str,
        endpoints: &'static [Endpoint],
        explain: fn(&Answer<'_>) -> Explanation,
        credential: Credential,
        limits: Limits,
    ) -> Self {
        let (requests, long_polls) = (Gate::of(limits.in_flight), Gate::of(limits.in_flight));
        let (upgrade, pace, budget): (fn(&mut HeaderMap), _, _) = (|_| {}, None, Budget::new());
        let server = String::new();
        Self {
            api,
            endpoints,
            explain,
            server,
            credential,
            upgrade,
            pace,
            limits,
            requests,
            long_polls,
            budget,
        }
    }

    /// Where the server is.
    pub(crate) fn at(self, server: &str) -> Self {
        Self { server: server.to_owned(), ..self }
    }

    /// For a service that wants more in a request for a websocket.
    pub(crate) fn upgraded_with(self, upgrade: fn(&mut HeaderMap)) -> Self {
        Self { upgrade, ..self }
    }

    /// For a service with a rate limit.
    pub(crate) fn paced(self, pace: Pace) -> Self {
        Self { pace: Some(pace), ..self }
    }

    fn endpoint(&self, id: &str) -> Option<&'static Endpoint> {
        let at = self.endpoints.binary_search_by(|endpoint| endpoint.id.cmp(id)).ok()?;
        self.endpoints.get(at)
    }
}

/// An answer that isn't what the caller hoped for.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// What an API makes of such an answer.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// Where the status alone misleads.
    pub(crate) kind: Option<Kind>,
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) suggestion: Option<String>,
    pub(crate) fields: Vec<String>,
}

impl Inner {
    pub(crate) fn new(shared: Shared, retry: Retry) -> Self {
        Self { shared: Arc::new(shared), retry, record: None }
    }

    pub(crate) fn with(&self, retry: Retry) -> Self {
        Self { retry, ..self.clone() }
    }

    #[allow(dead_code)] // not every API asks
    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(crate) fn recorded(&self) -> (Self, Arc<Record>) {
        let record = Arc::new(Record::default());
        (Self { record: Some(record.clone()), ..self.clone() }, record)
    }
}

/// What is known of a call beside its result: progenitor's errors lose most of it.
#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Facts>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) endpoint: Option<&'static Endpoint>,
    /// What the call is about.
    pub(crate) object: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) status: Option<u16>,
    pub(crate) headers: HeaderMap,
    pub(crate) sent: Option<Sent>,
    pub(crate) websocket_key: Option<String>,
    /// Of a body whose media type the generated client can't name.
    pub(crate) media_type: Option<HeaderValue>,
    /// Of a request that is to be recognized on the server.
    pub(crate) request_id: Option<HeaderValue>,
    /// The caller bounds the time of its answer.
    pub(crate) bounded: bool,
}

impl Facts {
    /// The answer to an earlier attempt says nothing of the next one.
    fn forget_answer(&mut self) {
        self.status = None;
        self.headers.clear();
    }
}

impl Record {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Facts> {
        // A panic elsewhere can't leave these plain facts half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hooks that every generated client must have; written once, for all of them.
macro_rules! hooks {
    ($client:ty) => {
        impl progenitor_client::ClientHooks<$crate::transport::Inner> for $client {
            async fn exec(
                &self,
                request: reqwest::Request,
                info: &progenitor_client::OperationInfo,
            ) -> reqwest::Result<reqwest::Response> {
                use progenitor_client::ClientInfo;
                $crate::transport::exec(self.client(), self.inner(), request, info).await
            }
        }
    };
}
#[cfg(feature = "incus")]
hooks!(crate::raw::incus::Client);
#[cfg(feature = "koyeb")]
hooks!(crate::raw::koyeb::Client);
#[cfg(feature = "lambda-cloud")]
hooks!(crate::raw::lambda_cloud::Client);
#[cfg(feature = "shakenfist")]
hooks!(crate::raw::shakenfist::Client);

fn ask_for_websocket(headers: &mut HeaderMap) -> String {
    use reqwest::header::{SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
    let key = tokio_tungstenite::tungstenite::handshake::client::generate_key();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(CONNECTION, "Upgrade");
    set(UPGRADE, "websocket");
    set(SEC_WEBSOCKET_VERSION, "13");
    set(SEC_WEBSOCKET_KEY, &key);
    key
}

/// Sends a request, again where that is safe and may help, within the limits of its handle.
pub(crate) async fn exec(
    http: &reqwest::Client,
    inner: &Inner,
    mut request: Request,
    info: &OperationInfo,
) -> reqwest::Result<Response> {
    let Some(endpoint) = inner.shared.endpoint(info.operation_id) else {
        // The table is generated with the client, so every operation is in it; without its class, send once.
        return connects::waiting(http.execute(request)).await;
    };
    if endpoint.reply == Reply::Upgrade && request.headers().contains_key(UPGRADE) {
        // Another protocol than websockets, by the caller's own choice.
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    } else if endpoint.reply == Reply::Upgrade {
        let key = ask_for_websocket(request.headers_mut());
        if let Some(record) = &inner.record {
            record.lock().websocket_key = Some(key);
        }
    }
    if let Some(media_type) = inner.record.as_ref().and_then(|record| record.lock().media_type.take()) {
        request.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    if let Some(id) = inner.record.as_ref().and_then(|record| record.lock().request_id.clone()) {
        request.headers_mut().insert("x-request-id", id);
    }
    if let Some(record) = &inner.record {
        record.lock().object = object::of(endpoint.path, request.url());
    }
    let span = span(inner.shared.api, endpoint, &request);
    let (started, token, course) = (Instant::now(), TokenUse::default(), Course::of(endpoint, &request));
    Attempts { http, inner, endpoint, course, span: span.clone(), started, made: 0, token }
        .run(request)
        .instrument(span)
        .await
}

/// Names follow OpenTelemetry's HTTP conventions. The path is the template, so that no name and no secret gets in.
fn span(api: &'static str, endpoint: &Endpoint, request: &Request) -> Span {
    tracing::info_span!(
        "windlass",
        otel.name = %format_args!("{} {}", endpoint.method, endpoint.path),
        otel.kind = "client",
        windlass.api = api,
        windlass.operation = endpoint.id,
        http.request.method = endpoint.method,
        url.template = endpoint.path,
        server.address = request.url().host_str(),
        server.port = request.url().port_or_known_default(),
        http.request.resend_count = field::Empty,
        http.response.status_code = field::Empty,
        error.type = field::Empty,
    )
}

struct Attempts<'a> {
    http: &'a reqwest::Client,
    inner: &'a Inner,
    endpoint: &'static Endpoint,
    course: Course,
    span: Span,
    started: Instant,
    made: u32,
    token: TokenUse,
}

/// What became of the token in this call.
#[derive(Default)]
struct TokenUse {
    sent: Option<Stamp>,
    renewed: bool,
}

/// Why an attempt brought no answer.
enum Failure {
    Http(reqwest::Error),
    /// Ours.
    Own(Error),
}

impl From<reqwest::Error> for Failure {
    fn from(e: reqwest::Error) -> Self {
        Self::Http(e)
    }
}

type Attempt = Result<Response, Failure>;

impl<'a> Attempts<'a> {
    async fn run(mut self, mut request: Request) -> reqwest::Result<Response> {
        loop {
            let spare = self.spare(&request);
            let place = match self.prepare(&mut request).await {
                Ok(place) => place,
                Err(e) => return Ok(self.unsent(e)),
            };
            let result = self.attempt(request).await;
            drop(place);
            self.made += 1;
            let outcome = outcome(&result);
            self.note(&result, outcome);
            self.tell_pace(&result);
            if self.has_stale_token(outcome)
                && let Some(spare) = spare
            {
                self.renew_token().await;
                request = spare;
                continue;
            }
            match (self.again(outcome, &result, spare.is_some()), spare) {
                (Some(pause), Some(spare)) => {
                    tracing::debug!(?outcome, ?pause, "sending again");
                    tokio::time::sleep(pause).await;
                    request = spare;
                }
                _ => return settled(result),
            }
        }
    }

    /// A copy to send again; none where there will be no other attempt or the body is a stream.
    fn spare(&self, request: &Request) -> Option<Request> {
        let last = self.made + 1 >= self.inner.retry.attempts;
        let repeated = !last && self.endpoint.retry != RetryClass::Never;
        (repeated || self.may_renew_token()).then(|| copy(request))?
    }

    fn left(&self) -> Duration {
        let total = self.inner.retry.total.saturating_add(self.course.extra());
        total.saturating_sub(self.started.elapsed())
    }

    /// What must be there before anything is sent. Waiting for it is part of the call's time.
    async fn prepare(&mut self, request: &mut Request) -> Result<Place<'a>, Error> {
        self.turn().await?;
        let Some(place) = self.gate().place(self.left()).await else {
            return Err(self.gate().full(self.inner.retry.total));
        };
        self.sign(request).await?;
        Ok(place)
    }

    fn gate(&self) -> &'a Gate {
        match self.course {
            Course::LongPoll(_) => &self.inner.shared.long_polls,
            // What spares others their looks must not wait behind them.
            Course::Plain if self.endpoint.reply == Reply::Upgrade => &self.inner.shared.long_polls,
            Course::Plain | Course::Upload => &self.inner.shared.requests,
        }
    }

    /// Puts on what the request needs beside its content.
    async fn sign(&mut self, request: &mut Request) -> Result<(), Error> {
        let put_on = self.inner.shared.credential.put_on(request.headers_mut());
        let stamp = match self.inner.shared.credential.is_renewable() {
            false => put_on.await?,
            true => tokio::time::timeout(self.left(), put_on).await.map_err(|_| {
                let total = self.inner.retry.total;
                Error::new(Kind::Timeout, format!("no token within {total:?} (Retry::total)"))
            })??,
        };
        if self.endpoint.reply == Reply::Upgrade {
            (self.inner.shared.upgrade)(request.headers_mut());
        }
        self.token.sent = Some(stamp);
        if self.endpoint.reply == Reply::Json {
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        }
        Ok(())
    }

    /// Waits in the queue of the account, if the service has a rate limit.
    async fn turn(&self) -> Result<(), Error> {
        let Some(pace) = &self.inner.shared.pace else { return Ok(()) };
        tokio::time::timeout(self.left(), pace.turn(self.endpoint.id)).await.map_err(|_| {
            Error::new(
                Kind::Timeout,
                "its turn didn't come within the time limit of the call: too many requests",
            )
        })
    }

    /// Others needn't find out by themselves.
    fn tell_pace(&self, result: &Attempt) {
        if let (Some(pace), Ok(response)) = (&self.inner.shared.pace, result)
            && response.status() == StatusCode::TOO_MANY_REQUESTS
        {
            pace.too_fast(self.endpoint.id, retry_after(response.status().as_u16(), response.headers()));
        }
    }

    /// An answer of our own, for a request that wasn't sent.
    fn unsent(&self, e: Error) -> Response {
        if let Some(record) = &self.inner.record {
            let mut facts = record.lock();
            facts.forget_answer();
            facts.endpoint = Some(self.endpoint);
        }
        self.span.record("error.type", "not sent");
        Own::answer(e)
    }

    fn may_renew_token(&self) -> bool {
        self.inner.shared.credential.is_renewable() && !self.token.renewed
    }

    /// Whether another token may help: the server did nothing with this one.
    fn has_stale_token(&self, outcome: Outcome) -> bool {
        matches!(outcome, Outcome::Answered(401)) && self.may_renew_token()
    }

    async fn renew_token(&mut self) {
        self.token.renewed = true;
        if let Some(stamp) = self.token.sent {
            self.inner.shared.credential.refused(stamp).await;
        }
    }

    async fn attempt(&self, request: Request) -> Attempt {
        if let Some(record) = &self.inner.record {
            record.lock().forget_answer();
        }
        let (limits, started) = (&self.inner.shared.limits, Instant::now());
        let left = self.left();
        let response = self.head(request, left).await?;
        let status = response.status();
        if let Some(record) = &self.inner.record {
            // Should the body break off, the status must survive.
            record.lock().status = Some(status.as_u16());
        }
        match self.endpoint.reply {
            Reply::Json | Reply::Empty => self.body(response, started, left).await,
            Reply::Stream | Reply::Upgrade if is_good(status) => Ok(response),
            Reply::Stream | Reply::Upgrade => {
                Ok(body::what_comes(response, limits.error_body, ERROR_BODY).await)
            }
        }
    }

    /// Sends it, and waits for the head of the answer, whatever kind of answer it is.
    async fn head(&self, mut request: Request, left: Duration) -> Attempt {
        let Self { inner, course, .. } = self;
        let bound = Bound::of_head(&inner.shared.limits, &inner.retry, left, *course);
        if self.endpoint.timeout && self.endpoint.reply == Reply::Stream {
            // A document, though read piece by piece.
            *request.timeout_mut() = Some(bound.left);
        }
        let answered = match course {
            Course::Upload if self.is_bounded() => Some(self.send(request).await),
            Course::Upload => {
                let silence = Silence::of(&mut request);
                tokio::select! {
                    biased;
                    answered = self.send(request) => Some(answered),
                    () = silence.lasts(bound.left) => None,
                }
            }
            Course::Plain | Course::LongPoll(_) => {
                tokio::time::timeout(bound.left, self.send(request)).await.ok()
            }
        };
        match answered {
            Some(answered) => Ok(answered?),
            None => Err(Failure::Own(bound.no_answer())),
        }
    }

    fn send(&self, request: Request) -> impl Future<Output = reqwest::Result<Response>> + use<> {
        connects::waiting(self.http.execute(request))
    }

    fn is_bounded(&self) -> bool {
        self.inner.record.as_ref().is_some_and(|record| record.lock().bounded)
    }

    /// Reads the body of a document. What took long before its head has no part in the limit.
    async fn body(&self, response: Response, started: Instant, left: Duration) -> Attempt {
        let bound = match self.course {
            Course::Plain => Bound::of_whole(&self.inner.retry, left),
            Course::Upload | Course::LongPoll(_) => Bound::of_whole(&self.inner.retry, Duration::MAX),
        };
        let spent = if self.course == Course::Plain { started.elapsed() } else { Duration::ZERO };
        let limits = &self.inner.shared.limits;
        let status = response.status();
        let read = async {
            match self.is_decoded(status) {
                true => body::take_in_hand(response, limits.json_body).await,
                false => Ok(body::whole(response, limits.error_body).await?),
            }
        };
        match tokio::time::timeout(bound.left.saturating_sub(spent), read).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(Unread::Broken(e))) => Err(e.into()),
            Ok(Err(Unread::TooLarge)) => Err(Failure::Own(bad_size(status, limits.json_body))),
            Err(_) => Err(Failure::Own(bound.no_end())),
        }
    }

    /// Whether the generated client decodes the answer, rather than hands it on.
    fn is_decoded(&self, status: StatusCode) -> bool {
        self.endpoint.reply == Reply::Json
            && status.is_success()
            && self.endpoint.statuses.contains(&status.as_u16())
    }

    /// How long to pause before the next attempt; none if there shall be no other.
    fn again(&self, outcome: Outcome, result: &Attempt, spare: bool) -> Option<Duration> {
        if retry::verdict(self.endpoint.retry, self.endpoint.not_processed, outcome) == Verdict::Settle {
            if matches!(outcome, Outcome::Answered(status) if status < 500) {
                self.inner.shared.budget.give_back();
            }
            return None;
        }
        if matches!(result, Err(Failure::Http(e)) if tls::distrust(e).is_some()) {
            return None;
        }
        let asked = result.as_ref().ok().and_then(|response| {
            let status = response.status().as_u16();
            retry_after(status, response.headers())
        });
        let pause = self.inner.retry.pause(self.made + 1, asked, rand::random());
        let in_time = pause < self.left();
        // A copy may be there for another token alone. Without one to send, nothing is to be paid for.
        let more = spare && self.made < self.inner.retry.attempts;
        let may = more && in_time && self.inner.shared.budget.take();
        may.then_some(pause)
    }

    fn note(&self, result: &Attempt, outcome: Outcome) {
        if self.made > 1 {
            self.span.record("http.request.resend_count", self.made - 1);
        }
        match outcome {
            Outcome::Answered(status) => {
                self.span.record("http.response.status_code", status);
                if status >= 400 {
                    self.span.record("error.type", status);
                }
            }
            Outcome::Broken(_) => {
                let own = matches!(result, Err(Failure::Own(_)));
                self.span.record("error.type", if own { "timeout" } else { "connection" });
            }
        }
        if let Some(record) = &self.inner.record {
            let mut facts = record.lock();
            facts.endpoint = Some(self.endpoint);
            facts.attempts = self.made;
            match (outcome, result) {
                (Outcome::Answered(status), Ok(response)) => {
                    facts.sent = Some(Sent::Yes);
                    facts.status = Some(status);
                    // Only what an error will want to know; most calls are no error.
                    if status >= 300 {
                        facts.headers = response.headers().clone();
                    }
                }
                (Outcome::Answered(_), Err(_)) => facts.sent = Some(Sent::Yes),
                (Outcome::Broken(Sent::No), _) => facts.sent = facts.sent.or(Some(Sent::No)),
                (Outcome::Broken(sent), _) => facts.sent = Some(sent),
            }
        }
    }
}

/// As `try_clone`, which makes room for what no generated client puts into a request: nearly all have no body and but a
/// few headers.
fn copy(request: &Request) -> Option<Request> {
    if request.body().is_some() {
        return request.try_clone();
    }
    let mut copy = Request::new(request.method().clone(), request.url().clone());
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Small and prompt: what isn't, is cut.
const ERROR_BODY: Duration = Duration::from_secs(5);

/// Whether what follows the head is what was asked for.
fn is_good(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS
}

pub(crate) fn too_large(most: u64) -> String {
    format!("the answer has more than {most} bytes (Limits::json_body)")
}

fn bad_size(status: StatusCode, most: u64) -> Error {
    Error::new(Kind::BadReply, too_large(most))
        .with(|e| (e.status, e.sent) = (Some(status.as_u16()), Sent::Yes))
}

fn outcome(result: &Attempt) -> Outcome {
    match result {
        Ok(response) => Outcome::Answered(response.status().as_u16()),
        Err(Failure::Http(e)) if e.is_connect() || e.is_builder() => Outcome::Broken(Sent::No),
        Err(Failure::Http(_)) => Outcome::Broken(Sent::Unknown),
        Err(Failure::Own(e)) => match e.status() {
            Some(status) => Outcome::Answered(status),
            None => Outcome::Broken(e.sent()),
        },
    }
}

/// In the form that the generated clients know.
fn settled(result: Attempt) -> reqwest::Result<Response> {
    match result {
        Ok(response) => Ok(response),
        // The URL may hold the secret of a stream.
        Err(Failure::Http(e)) => Err(e.without_url()),
        Err(Failure::Own(e)) => Ok(Own::answer(e)),
    }
}

/// When to come back: in seconds or as a date (`Retry-After`), or as the time of the limit's reset. Some services tell
/// that one with every answer, but it matters only once the limit is reached.
pub(crate) fn retry_after(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let now = chrono::Utc::now();
    text(RETRY_AFTER.as_str()).and_then(|value| seconds(value).or_else(|| until(value, now))).or_else(|| {
        let reset = text("x-ratelimit-reset").filter(|_| status == 429);
        let reset = seconds(reset?)?.as_secs();
        let now = u64::try_from(now.timestamp()).ok()?;
        // Some count from now, some from 1970.
        Some(Duration::from_secs(if reset > now / 2 { reset.saturating_sub(now) } else { reset }))
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn until(date: &str, now: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
    let date = chrono::DateTime::parse_from_rfc2822(date).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .filter_map(|(name, value)| {
                Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
            })
            .collect()
    }

    #[test]
    fn retry_after_in_all_forms() {
        let wait = |name, value: &str| retry_after(429, &headers(&[(name, value)]));
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after", " 1.5 "), Some(Duration::from_millis(1_500)));
        assert_eq!(wait("retry-after", "Fri, 20 Nov 1998 23:15:55 GMT"), Some(Duration::ZERO));
        let date = (chrono::Utc::now() + chrono::TimeDelta::seconds(90)).to_rfc2822();
        let left = wait("retry-after", &date).map(|left| left.as_secs());
        assert!(matches!(left, Some(85..=90)), "{left:?}");
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("retry-after", "-1"), None);
        assert_eq!(wait("x-ratelimit-reset", "12"), Some(Duration::from_secs(12)));
        let epoch = (chrono::Utc::now().timestamp() + 60).to_string();
        let left = wait("x-ratelimit-reset", &epoch).map(|left| left.as_secs());
        assert!(matches!(left, Some(58..=60)), "{left:?}");
        assert_eq!(retry_after(429, &HeaderMap::new()), None);
        assert_eq!(retry_after(503, &headers(&[("x-ratelimit-reset", "58")])), None);
        assert_eq!(retry_after(503, &headers(&[("retry-after", "7")])), Some(Duration::from_secs(7)));
    }
}
