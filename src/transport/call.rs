//! The future of an API call.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::received::Received;
use super::{Facts, Request, attempts};
use crate::error::Error;

/// A call to an API, as a future. Nothing is sent before it is polled. Dropping it cancels the request; the server may
/// still process it.
///
/// # Errors
///
/// See [`Error`](crate::Error). The error names the operation, the server and the object of the call.
#[must_use = "nothing is sent before it is awaited"]
pub struct Call<T> {
    state: State,
    read: fn(Received) -> Result<T, Error>,
}

// `T` only appears as a return type.
impl<T> Unpin for Call<T> {}

enum State {
    Ready(Box<Request>),
    Running(BoxFuture<'static, Result<Received, Error>>),
    Over,
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    headers: HeaderMap,
    facts: Facts,
}

impl Head {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.facts.status.unwrap_or_default()
    }

    /// The headers.
    pub fn headers(&self) -> &http::HeaderMap {
        &self.headers
    }

    /// What is known about the call.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl Request {
    /// The call, with a function that decodes its answer.
    pub(crate) fn call<T>(self, read: fn(Received) -> Result<T, Error>) -> Call<T> {
        Call { state: State::Ready(Box::new(self)), read }
    }
}

impl<T> Call<T> {
    /// Also returns the head of the answer.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let (web, head) = incus.raw().instance_get().name("web").send().with_head().await?;
    /// println!("{} {:?}", web.name, head.headers().get("etag"));
    /// # Ok(()) }
    /// ```
    pub fn with_head(self) -> WithHead<T> {
        WithHead { call: self }
    }

    /// Sends this id as `X-Request-ID`. Errors have it, too.
    #[allow(dead_code)] // not every API has one
    pub(crate) fn request_id(self, id: &str) -> Self {
        self.changed(|request| request.facts.request_id = HeaderValue::from_str(id).ok())
    }

    /// Sends the body with another media type than the operation's.
    #[allow(dead_code)] // as above
    pub(crate) fn media_type(self, media_type: HeaderValue) -> Self {
        self.changed(|request| _ = request.headers.insert(CONTENT_TYPE, media_type))
    }

    /// The caller limits the time of an upload, by the server's silence or by a deadline.
    #[allow(dead_code)] // as above
    pub(crate) fn bounded(self) -> Self {
        self.changed(|request| request.bounded = true)
    }

    fn changed(mut self, change: impl FnOnce(&mut Request)) -> Self {
        if let State::Ready(request) = &mut self.state {
            change(request);
        }
        self
    }

    fn poll_received(&mut self, context: &mut Context<'_>) -> Poll<Result<Received, Error>> {
        if let State::Ready(_) = self.state
            && let State::Ready(request) = mem::replace(&mut self.state, State::Over)
        {
            self.state = State::Running(attempts::run(request));
        }
        let State::Running(running) = &mut self.state else { return Poll::Pending };
        let received = ready!(running.as_mut().poll(context));
        self.state = State::Over;
        Poll::Ready(received)
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let received = ready!(self.poll_received(context));
        Poll::Ready(received.and_then(self.read))
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

/// A call that also returns the head of its answer. From [`Call::with_head`].
#[must_use = "nothing is sent before it is awaited"]
#[derive(Debug)]
pub struct WithHead<T> {
    call: Call<T>,
}

impl<T> Future for WithHead<T> {
    type Output = Result<(T, Head), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let received = match ready!(self.call.poll_received(context)) {
            Ok(received) => received,
            Err(e) => return Poll::Ready(Err(e)),
        };
        let head = Head { headers: received.headers.clone(), facts: received.facts.clone() };
        Poll::Ready((self.call.read)(received).map(|value| (value, head)))
    }
}
