//! The one way out: every call, typed or raw, of every API is a [`Request`] that becomes a [`Call`].

mod attempt;
mod attempts;
mod body;
mod call;
pub(crate) mod connect_queue;
pub(crate) mod credential;
mod decode;
mod endpoint;
mod facts;
mod failure;
pub(crate) mod gate;
mod head;
pub(crate) mod http_client;
mod label;
pub(crate) mod limits;
mod outgoing;
mod param;
pub(crate) mod rate_limit;
mod request;
pub(crate) mod retry;
mod retry_after;
mod span;
mod stream;
pub(crate) mod tls;
mod upgrade;

use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderMap;

use credential::Credential;
use gate::Gate;
use rate_limit::Pace;
use retry::Budget;

pub(crate) use call::Received;
pub use call::{Call, Head, WithHead};
pub use endpoint::{Endpoint, Reply, RetryClass};
pub(crate) use facts::Facts;
pub(crate) use failure::{Answer, Explanation};
pub(crate) use label::Label;
pub use limits::Limits;
pub(crate) use param::Param;
pub use rate_limit::Pacing;
pub(crate) use request::{Request, checked, checked_path};
pub use retry::Retry;
#[cfg(fuzzing)]
pub(crate) use retry_after::retry_after;
pub use stream::{Body, ByteStream};
pub use upgrade::Upgraded;

/// What a generated client is: the settings of a handle over what all handles of a client share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    http: reqwest::Client,
    /// The start of every URL, without a slash at its end.
    base: String,
    shared: Arc<Shared>,
    retry: Retry,
    scope: Scope,
}

/// Query parameters that a handle adds to the calls that know them.
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

    /// The same with another way of repeating.
    pub(crate) fn with(&self, retry: Retry) -> Self {
        Self(Arc::new(Inner { retry, ..(*self.0).clone() }))
    }

    /// The same with another value of a parameter that it adds.
    #[allow(dead_code)] // not every API has one
    pub(crate) fn scoped(&self, name: &'static str, value: String) -> Self {
        let mut inner = (*self.0).clone();
        inner.scope.retain(|(known, _)| *known != name);
        inner.scope.push((name, value));
        Self(Arc::new(inner))
    }

    /// The value of a parameter that it adds.
    #[allow(dead_code)] // as above
    pub(crate) fn scope(&self, name: &str) -> Option<&str> {
        self.0.scope.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The start of every URL.
    pub(crate) fn base(&self) -> &str {
        &self.0.base
    }

    /// Where the server is, for errors.
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
    api: &'static str,
    explain: fn(&Answer<'_>) -> Explanation,
    /// Where the server is, for errors.
    server: String,
    credential: Credential,
    /// What else a request for a websocket needs, once the credential is on it.
    upgrade: fn(&mut HeaderMap),
    pace: Option<Pace>,
    limits: Limits,
    requests: Gate,
    /// They last long, and must not keep others waiting; websockets begin here as well.
    long_polls: Gate,
    budget: Budget,
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

    /// For a service that wants more in a request for a websocket.
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

/// Whether the endpoint documents such an answer as good.
fn is_accepted(endpoint: &Endpoint, status: u16) -> bool {
    (status == 101 || (200..300).contains(&status)) && endpoint.statuses.contains(&status)
}
