//! The tracing span of a call.

use reqwest::Request;
use tracing::{Span, field};

use crate::transport::Endpoint;

/// The names follow OpenTelemetry's HTTP conventions. The path is the template, which holds no names and no secrets.
pub(super) fn span(api: &'static str, endpoint: &Endpoint, request: &Request) -> Span {
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
