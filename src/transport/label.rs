//! Labels for errors that don't come from an answer.

use futures_util::TryFutureExt;

use super::Handle;
use crate::error::Error;
use crate::transport::retry::Retry;

/// The call that an error is about, if it has no answer, or none yet.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    handle: Handle,
    operation: &'static str,
    object: String,
}

impl Handle {
    /// The label of an operation on `object`, which is empty if the operation is about the server.
    pub(crate) fn label(&self, operation: &'static str, object: impl Into<String>) -> Label {
        Label { handle: self.clone(), operation, object: object.into() }
    }
}

#[cfg(test)]
impl Label {
    /// The label of an operation on a server that doesn't exist.
    pub(crate) fn of(api: &'static str, operation: &'static str, server: &str) -> Result<Self, Error> {
        use crate::transport::{http_client, tls};
        let http = http_client::build(http_client::builder(tls::none()?, &Default::default())?)?;
        let limits = crate::transport::limits::Limits::default();
        let shared = super::Shared::new(api, server, |_| Default::default(), Default::default(), limits);
        Ok(Handle::new(http, server, shared, Retry::default()).label(operation, ""))
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Label {
    /// Adds what the error doesn't know yet.
    pub(crate) fn on(&self, e: Error) -> Error {
        e.at(self.handle.server()).with(|e| {
            if e.api.is_empty() {
                e.api = self.handle.0.shared.api;
            }
            if e.operation.is_empty() && e.verb.is_empty() {
                e.operation = self.operation;
            }
            if e.object.is_empty() && e.operation == self.operation {
                e.object.clone_from(&self.object);
            }
        })
    }

    /// Adds the label to the errors of `work`.
    pub(crate) fn watch<T, W>(self, work: W) -> impl Future<Output = Result<T, Error>> + use<T, W>
    where
        W: Future<Output = Result<T, Error>>,
    {
        work.map_err(move |e| self.on(e))
    }

    #[allow(dead_code)] // not every API transfers anything
    pub(crate) fn retry(&self) -> &Retry {
        self.handle.retry()
    }
}
