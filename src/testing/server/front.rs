//! What stands in front of every fake: connections, the log of requests, planted faults.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Duration, sleep};

use super::connections::{Count, Counted};
use super::fault::{Action, Faults, Verdict};
use super::known::Known;
use super::limited::{End, Limit};
use super::reply::{Body, Reply};
use super::request::{Door, Request};
use super::route::Route;
use super::socket;
use super::tasks::{Tasks, lock};
use super::tls::Tls;

/// Time for what was written to leave before the connection is cut.
const FLUSH: Duration = Duration::from_millis(20);

/// What a fake answers.
pub(crate) trait Service: Send + Sync + 'static {
    fn call(&self, request: &Request) -> Reply;

    /// The same, but work that this request starts in the background fails for that reason.
    fn call_in_vain(&self, request: &Request, _why: &str) -> Reply {
        self.call(request)
    }
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut by a planted fault")
    }
}

impl std::error::Error for Cut {}

type HttpBody = UnsyncBoxBody<Bytes, Cut>;
type HttpReply = hyper::Response<HttpBody>;

/// What all connections share.
pub(crate) struct Front {
    service: Arc<dyn Service>,
    pub(crate) known: Known,
    log: Mutex<Vec<Request>>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) count: Arc<Count>,
    pub(crate) connections: Tasks,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Front {
    pub(crate) fn new(service: Arc<dyn Service>, known: Known) -> Arc<Front> {
        Arc::new(Front {
            service,
            known,
            log: Mutex::default(),
            faults: Arc::default(),
            count: Arc::default(),
            connections: Tasks::default(),
        })
    }

    pub(crate) fn log(&self) -> Vec<Request> {
        lock(&self.log).clone()
    }

    /// Panics if nothing arrived on the route, and nothing ever could.
    #[track_caller]
    pub(crate) fn requests(&self, pattern: &str) -> usize {
        let route = Route::new(pattern);
        let count = lock(&self.log).iter().filter(|r| route.matches(&r.method, &r.path)).count();
        if count == 0 {
            self.known.check(pattern);
        }
        count
    }

    /// Panics if a planted rule didn't apply as often as it must.
    #[track_caller]
    #[allow(clippy::panic)] // it is there to fail a test
    pub(crate) fn verify(&self) {
        let complaints = self.faults.complaints();
        if complaints.is_empty() {
            return;
        }
        let mut arrived = BTreeMap::<String, usize>::new();
        for request in lock(&self.log).iter() {
            *arrived.entry(format!("{} {}", request.method, request.path)).or_default() += 1;
        }
        let arrived: Vec<_> = arrived.iter().map(|(route, count)| format!("{route}: {count}")).collect();
        let (wrong, arrived) = (complaints.join("\n  "), arrived.join("\n  "));
        panic!("planted rules did not apply as expected:\n  {wrong}\nwhat arrived:\n  {arrived}");
    }

    /// Serves one accepted stream in a separate task.
    pub(crate) fn serve<S>(self: &Arc<Self>, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let wire = Counted::new(stream, self.count.clone());
        self.connections.spawn(self.clone().talk(wire, Door::Local));
    }

    /// Like [`serve`](Self::serve), after the server's half of a TLS handshake.
    pub(crate) fn serve_tls<S>(self: &Arc<Self>, stream: S, tls: Arc<Tls>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (front, wire) = (self.clone(), Counted::new(stream, self.count.clone()));
        self.connections.spawn(async move {
            // A client that rejects our certificate goes away.
            if let Ok((stream, certificate)) = tls.accept(wire).await {
                front.talk(stream, Door::Tls(certificate)).await;
            }
        });
    }

    async fn talk<S>(self: Arc<Self>, stream: S, door: Door)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(move |incoming| answer(self.clone(), door.clone(), incoming));
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).title_case_headers(true);
        // A cut, or a client that went away: both are expected.
        let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    }

    /// Logs the head of a request. The number finds the entry again for the body.
    fn note(&self, request: &Request) -> usize {
        let mut log = lock(&self.log);
        log.push(request.clone());
        log.len() - 1
    }

    fn note_body(&self, number: usize, body: &Bytes) {
        if let Some(entry) = lock(&self.log).get_mut(number) {
            entry.body = body.clone();
        }
    }
}

async fn answer(
    front: Arc<Front>,
    door: Door,
    mut incoming: hyper::Request<Incoming>,
) -> Result<HttpReply, Cut> {
    let upgrade = hyper::upgrade::on(&mut incoming);
    let mut request = Request { door, ..head(&incoming) };
    let number = front.note(&request);
    let verdict = front.faults.take(&request.method, &request.path);
    if matches!(verdict.action, Action::Refuse) {
        return Err(Cut);
    }
    let body = incoming.into_body().collect().await.map_err(|_| Cut)?;
    request.body = body.to_bytes();
    front.note_body(number, &request.body);
    judge(&front, &request, upgrade, verdict).await
}

async fn judge(
    front: &Arc<Front>,
    request: &Request,
    upgrade: OnUpgrade,
    verdict: Verdict,
) -> Result<HttpReply, Cut> {
    if !verdict.wait.is_zero() {
        sleep(verdict.wait).await;
    }
    let (reply, limit) = match verdict.action {
        Action::Refuse | Action::DropBefore => return Err(Cut),
        Action::Hang => return future::pending().await,
        Action::HangAfter => {
            front.service.call(request);
            return future::pending().await;
        }
        Action::Reply(status, body) => (planted(status, body), None),
        Action::ReplyAfter(status, body) => {
            front.service.call(request);
            (planted(status, body), None)
        }
        Action::Pass => (front.service.call(request), None),
        Action::FailLater(why) => (front.service.call_in_vain(request, &why), None),
        Action::Truncate(bytes) => (front.service.call(request), Some(Limit { bytes, then: End::Cut })),
        Action::Stall(bytes) => (front.service.call(request), Some(Limit { bytes, then: End::Stall })),
        Action::CloseSocket => (front.service.call(request), Some(Limit { bytes: 0, then: End::Close })),
        Action::DropAfter => {
            front.service.call(request);
            return Err(Cut);
        }
    };
    if matches!(reply.body, Body::Never) {
        return future::pending().await;
    }
    let headers = verdict.headers.into_iter();
    let reply = headers.fold(reply, |reply, (name, value)| reply.header(&name, value));
    Ok(render(front, request, upgrade, reply, limit))
}

fn head(incoming: &hyper::Request<Incoming>) -> Request {
    let headers = incoming.headers().iter();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: incoming.method().as_str().to_owned(),
        path: incoming.uri().path().to_owned(),
        query: incoming.uri().query().unwrap_or_default().to_owned(),
        headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: Bytes::new(),
        door: Door::Local,
    }
}

fn planted(status: u16, body: Bytes) -> Reply {
    let json = matches!(body.first(), Some(b'{' | b'['));
    let kind = if json { "application/json" } else { "text/plain; charset=utf-8" };
    Reply::new(status, body).header("Content-Type", kind)
}

fn render(
    front: &Arc<Front>,
    request: &Request,
    upgrade: OnUpgrade,
    reply: Reply,
    limit: Option<Limit>,
) -> HttpReply {
    match reply.body {
        Body::Whole(bytes) => {
            let length = bytes.len().to_string();
            let body = match limit.filter(|limit| limit.then != End::Close) {
                Some(limit) if limit.bytes < bytes.len() => cut_short(future::ready(bytes), limit),
                _ => whole(bytes),
            };
            respond(reply.status, length_first(reply.headers, length), body)
        }
        Body::Later(bytes) => {
            let body =
                cut_short(bytes, limit.filter(|limit| limit.then != End::Close).unwrap_or(Limit::NONE));
            respond(reply.status, reply.headers, body)
        }
        Body::Never => respond(reply.status, reply.headers, whole(Bytes::new())),
        Body::Socket(talk) => {
            let Some(accepted) = socket::handshake(request) else {
                return render(front, request, upgrade, socket::not_a_handshake(), limit);
            };
            front.connections.spawn(socket::converse(upgrade, talk, limit));
            let headers = accepted.headers.into_iter().chain(reply.headers).collect();
            respond(accepted.status, headers, whole(Bytes::new()))
        }
        Body::Tunnel(talk) => {
            front.connections.spawn(socket::dig(upgrade, talk, limit));
            respond(reply.status, reply.headers, whole(Bytes::new()))
        }
    }
}

/// Adds the length, unless the handler has set one (HEAD).
fn length_first(headers: Vec<(String, String)>, length: String) -> Vec<(String, String)> {
    let set = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = (!set).then(|| ("Content-Length".to_owned(), length));
    headers.into_iter().chain(length).collect()
}

fn respond(status: u16, headers: Vec<(String, String)>, body: HttpBody) -> HttpReply {
    let mut response = hyper::Response::new(body);
    if let Ok(status) = hyper::StatusCode::from_u16(status) {
        *response.status_mut() = status;
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn whole(bytes: Bytes) -> HttpBody {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// The first bytes, and then the end that the limit sets.
fn cut_short(bytes: impl Future<Output = Bytes> + Send + 'static, limit: Limit) -> HttpBody {
    let pieces = bytes.map(move |bytes| {
        let kept = bytes.slice(..limit.bytes.min(bytes.len()));
        let cut = (kept.len() < bytes.len()).then_some(Cut);
        let end = stream::iter(cut).then(move |cut| async move {
            match limit.then {
                End::Cut => sleep(FLUSH).await,
                End::Stall => future::pending().await,
                End::Close => {}
            }
            Err(cut)
        });
        stream::once(future::ready(Ok(Frame::data(kept)))).chain(end)
    });
    BodyExt::boxed_unsync(StreamBody::new(pieces.flatten_stream()))
}

/// Pauses after an error of a listener, for example for lack of file descriptors.
pub(crate) async fn pause_after(error: io::Error) {
    tracing::debug!(%error, "accept failed");
    sleep(FLUSH).await;
}
