//! What tracing sees of a call: a span around it, and an event for each request.

use reqwest::Request;
use tokio::time::Instant;
use tracing::{Span, field};

use super::Facts;
use crate::printable::Shown;
use crate::transport::Endpoint;

/// The names follow OpenTelemetry's HTTP conventions. The path is the template, which holds no names and no secrets.
pub(super) fn span(api: &'static str, endpoint: &Endpoint, request: &Request) -> Span {
    tracing::info_span!(
        "windlass",
        otel.name = %format_args!("{} {}", endpoint.method, endpoint.route()),
        otel.kind = "client",
        windlass.api = api,
        windlass.operation = endpoint.id,
        http.request.method = endpoint.method,
        url.template = endpoint.route(),
        server.address = request.url().host_str(),
        server.port = request.url().port_or_known_default(),
        http.request.resend_count = field::Empty,
        http.response.status_code = field::Empty,
        error.type = field::Empty,
    )
}

/// The event of a request that has ended. The object is that of errors: names and ids, no secrets.
pub(super) fn request_ended(facts: &Facts, error: Option<&'static str>, began: Instant) {
    tracing::debug!(
        target: "windlass::request",
        api = facts.handle().api(),
        operation = facts.endpoint.id,
        object = facts.object().map(|object| field::display(Shown(object))),
        status = facts.status,
        error,
        duration = ?began.elapsed(),
        attempt = facts.attempts,
    );
}
