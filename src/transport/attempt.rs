//! One attempt: the head of the answer, and the body if it is read whole.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Request, Response, StatusCode};
use tokio::time::Instant;

use super::facts::Facts;
use super::failure::sent;
use super::handle::{Handle, Shared};
use super::received::Content;
use super::stream::too_large;
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::Reply;
use crate::transport::body::{self, Unread};
use crate::transport::connect_queue;
use crate::transport::head::{Bound, Course};
use crate::transport::outgoing::Silence;
use crate::transport::retry::Outcome;

/// An answer.
pub(super) struct Got {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
}

/// Why an attempt got no answer.
pub(super) enum Failure {
    Http(reqwest::Error),
    /// An error of this crate.
    Own(Error),
}

impl From<reqwest::Error> for Failure {
    fn from(e: reqwest::Error) -> Self {
        Self::Http(e)
    }
}

pub(super) type Attempt = Result<Got, Failure>;

/// Error bodies are small and prompt; anything else is cut off.
const ERROR_BODY: Duration = Duration::from_secs(5);

/// The state that all attempts of a call share.
pub(super) struct Sending {
    pub(super) handle: Handle,
    pub(super) facts: Facts,
    pub(super) course: Course,
    /// The caller limits the time of the answer.
    pub(super) bounded: bool,
    pub(super) started: Instant,
}

impl Sending {
    pub(super) fn shared(&self) -> &Shared {
        &self.handle.0.shared
    }

    /// The rest of the call's time.
    pub(super) fn left(&self) -> Duration {
        self.left_at(Instant::now())
    }

    fn left_at(&self, now: Instant) -> Duration {
        let total = self.handle.retry().total.saturating_add(self.course.extra());
        total.saturating_sub(now.saturating_duration_since(self.started))
    }

    pub(super) async fn attempt(&mut self, request: Request, started: Instant) -> Attempt {
        self.facts.status = None;
        let left = self.left_at(started);
        let mut response = self.head(request, left).await?;
        let status = response.status();
        // If the body breaks off, the error must still have the status.
        self.facts.status = Some(status.as_u16());
        let content = match self.facts.endpoint.reply {
            Reply::Json | Reply::Empty => Content::Whole(self.body(&mut response, started, left).await?),
            Reply::Stream | Reply::Upgrade if self.facts.endpoint.accepts(status.as_u16()) => {
                let headers = response.headers().clone();
                return Ok(Got { status, headers, content: Content::Open(response) });
            }
            Reply::Stream | Reply::Upgrade => {
                let most = self.shared().limits.error_body;
                Content::Whole(body::what_comes(&mut response, most, ERROR_BODY.min(self.left())).await)
            }
        };
        Ok(Got { status, headers: std::mem::take(response.headers_mut()), content })
    }

    /// Sends the request, and waits for the head of the answer, whatever its kind.
    async fn head(&self, mut request: Request, left: Duration) -> Result<Response, Failure> {
        let bound = Bound::of_head(&self.shared().limits, self.handle.retry(), left, self.course);
        let endpoint = self.facts.endpoint;
        if endpoint.timeout && endpoint.reply == Reply::Stream {
            // A document that is read piece by piece.
            *request.timeout_mut() = Some(bound.left);
        }
        let answered = match self.course {
            Course::Upload if self.bounded => Some(self.send(request).await),
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
        connect_queue::waiting(self.handle.0.http.execute(request))
    }

    /// Reads the body of a document. The time before the head doesn't count if it was spent on an upload or a long
    /// poll. The server may begin to answer a long poll at once, and then take the time that it was asked for.
    async fn body(
        &self,
        response: &mut Response,
        started: Instant,
        left: Duration,
    ) -> Result<bytes::Bytes, Failure> {
        let bound = match self.course {
            Course::Plain => Bound::of_whole(self.handle.retry(), left),
            Course::Upload | Course::LongPoll(_) => {
                Bound::of_whole(self.handle.retry(), Duration::MAX).beyond(self.course)
            }
        };
        let spent = if self.course == Course::Plain { started.elapsed() } else { Duration::ZERO };
        let limits = &self.shared().limits;
        let status = response.status();
        let read = async {
            match self.facts.endpoint.reply == Reply::Json && self.facts.endpoint.accepts(status.as_u16()) {
                true => body::whole(response, limits.json_body).await,
                false => Ok(body::beginning(response, limits.error_body).await?),
            }
        };
        match tokio::time::timeout(bound.left.saturating_sub(spent), read).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(Unread::Broken(e))) => Err(e.into()),
            Ok(Err(Unread::TooLarge)) => Err(Failure::Own(bad_size(status, limits.json_body))),
            Err(_) => Err(Failure::Own(bound.no_end())),
        }
    }
}

fn bad_size(status: StatusCode, most: u64) -> Error {
    Error::new(ErrorKind::BadReply, too_large(most))
        .with(|e| (e.status, e.sent) = (Some(status.as_u16()), Sent::Yes))
}

pub(super) fn outcome(result: &Attempt) -> Outcome {
    match result {
        Ok(got) => Outcome::Answered(got.status.as_u16()),
        Err(Failure::Http(e)) => Outcome::Broken(sent(e)),
        Err(Failure::Own(e)) => match e.status() {
            Some(status) => Outcome::Answered(status),
            None => Outcome::Broken(e.sent()),
        },
    }
}
