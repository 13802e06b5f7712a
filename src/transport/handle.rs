//! The inside of a generated client.

use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderMap;

use super::credential::Credential;
use super::failure::{Answer, Explanation};
use super::gate::Gate;
use super::limits::Limits;
use super::pacing::Pace;
use super::retry::{Budget, Retry};

/// The inside of a generated client: settings of a handle, and the state that all handles of a client share. Cheap to
/// clone.
#[derive(Clone)]
pub(crate) struct Handle(pub(super) Arc<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) http: reqwest::Client,
    /// The base of every URL, without a trailing slash.
    pub(super) base: String,
    pub(super) shared: Arc<Shared>,
    pub(super) retry: Retry,
    pub(super) scope: Scope,
}

/// Query parameters that the handle adds to the operations that have them.
pub(crate) type Scope = Vec<(&'static str, String)>;

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { base, shared, retry, .. } = &*self.0;
        let mut out = f.debug_struct("Handle");
        out.field("api", &shared.api).field("base", base).field("retry", retry).finish_non_exhaustive()
    }
}

impl Handle {
    pub(crate) fn new(http: reqwest::Client, base: &str, shared: Shared, retry: Retry) -> Self {
        let (base, shared) = (base.trim_end_matches('/').to_owned(), Arc::new(shared));
        Self(Arc::new(Inner { http, base, shared, retry, scope: Scope::new() }))
    }

    /// The same handle with another retry policy.
    pub(crate) fn with(&self, retry: Retry) -> Self {
        Self(Arc::new(Inner { retry, ..(*self.0).clone() }))
    }

    /// The same handle with another value of a query parameter.
    #[allow(dead_code)] // not every API has one
    pub(crate) fn scoped(&self, name: &'static str, value: String) -> Self {
        let mut inner = (*self.0).clone();
        inner.scope.retain(|(known, _)| *known != name);
        inner.scope.push((name, value));
        Self(Arc::new(inner))
    }

    /// The value of a query parameter.
    #[allow(dead_code)] // as above
    pub(crate) fn scope(&self, name: &str) -> Option<&str> {
        self.0.scope.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn api(&self) -> &'static str {
        self.0.shared.api
    }

    /// The base of every URL.
    pub(crate) fn base(&self) -> &str {
        &self.0.base
    }

    /// The server, for errors.
    pub(crate) fn server(&self) -> &str {
        &self.0.shared.server
    }

    pub(crate) fn retry(&self) -> &Retry {
        &self.0.retry
    }

    #[allow(dead_code)] // not every API asks
    pub(crate) fn limits(&self) -> &Limits {
        &self.0.shared.limits
    }
}

/// What all handles of a client share.
pub(crate) struct Shared {
    pub(super) api: &'static str,
    pub(super) explain: fn(&Answer<'_>) -> Explanation,
    /// The server, for errors.
    pub(super) server: String,
    pub(super) credential: Credential,
    /// Adds headers to a websocket request, after the credential.
    pub(super) upgrade: fn(&mut HeaderMap),
    pub(super) pace: Option<Pace>,
    pub(super) limits: Limits,
    pub(super) requests: Gate,
    /// Long polls and websocket requests last long, so they have permits of their own.
    pub(super) long_polls: Gate,
    pub(super) budget: Budget,
}

impl Shared {
    pub(crate) fn new(
        api: &'static str,
        server: &str,
        explain: fn(&Answer<'_>) -> Explanation,
        credential: Credential,
        limits: Limits,
    ) -> Self {
        Self {
            api,
            explain,
            server: server.to_owned(),
            credential,
            upgrade: |_| {},
            pace: None,
            requests: Gate::of(limits.in_flight),
            long_polls: Gate::of(limits.in_flight),
            limits,
            budget: Budget::new(),
        }
    }

    /// For a service that needs more headers in a websocket request.
    #[allow(dead_code)] // not every API does
    pub(crate) fn upgraded_with(self, upgrade: fn(&mut HeaderMap)) -> Self {
        Self { upgrade, ..self }
    }

    /// For a service with a rate limit.
    #[allow(dead_code)] // as above
    pub(crate) fn paced(self, pace: Pace) -> Self {
        Self { pace: Some(pace), ..self }
    }
}
