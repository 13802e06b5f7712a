//! What is known about a call, for its errors.

use reqwest::header::HeaderValue;

use super::Handle;
use super::failure::{Answer, answered};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::limits::Limits;
use crate::transport::{Endpoint, RetryClass};

/// What is known about a call.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    handle: Handle,
    pub(crate) endpoint: &'static Endpoint,
    /// The object of the call: the values in its path.
    object: String,
    pub(super) attempts: u32,
    pub(super) status: Option<u16>,
    pub(super) sent: Option<Sent>,
    /// The request id, if the API has one.
    pub(super) request_id: Option<HeaderValue>,
}

impl Facts {
    pub(super) fn new(handle: &Handle, endpoint: &'static Endpoint) -> Self {
        Self {
            handle: handle.clone(),
            endpoint,
            object: String::new(),
            attempts: 0,
            status: None,
            sent: None,
            request_id: None,
        }
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the call is about, if not the server.
    pub(super) fn object(&self) -> Option<&str> {
        Some(self.object.as_str()).filter(|object| !object.is_empty())
    }

    pub(super) fn push_object(&mut self, segment: &str) {
        if !self.object.is_empty() {
            self.object.push('/');
        }
        self.object.push_str(segment);
    }

    /// Adds a path within the object.
    pub(super) fn push_path(&mut self, path: &str) {
        if !self.object.is_empty() {
            self.object.push(':');
            self.object.push_str(path);
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.handle.limits()
    }

    /// Adds the object of the call to an error.
    pub(crate) fn about(&self, e: Error) -> Error {
        e.with(|e| {
            e.api = self.handle.0.shared.api;
            self.handle.server().clone_into(&mut e.server);
            e.object.clone_from(&self.object);
            e.operation = self.endpoint.id;
        })
    }

    /// Adds everything known to an error.
    pub(crate) fn error(&self, e: Error) -> Error {
        let endpoint = self.endpoint;
        self.about(e).with(|e| {
            e.attempts = self.attempts;
            e.status = e.status.or(self.status);
            // An answer that broke off was an answer.
            e.sent = if e.status.is_some() { Sent::Yes } else { self.sent.unwrap_or(Sent::No) };
            #[cfg(windlass_planted)]
            if super::planted::has("never-sent") {
                e.sent = Sent::No;
            }
            if e.request_id.is_none() {
                e.request_id = self.request_id.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned);
            }
            e.repeatable = endpoint.retry == RetryClass::Safe
                || e.sent == Sent::No
                || e.status.is_some_and(|status| endpoint.not_processed.contains(&status));
        })
    }

    /// The error of an answer that can't be understood.
    pub(crate) fn bad_reply(&self, message: impl Into<String>) -> Error {
        self.error(Error::new(ErrorKind::BadReply, message))
    }

    /// The error that an answer describes.
    pub(super) fn refused(&self, answer: &Answer<'_>) -> Error {
        self.error(answered(answer, self.handle.0.shared.explain))
    }
}
