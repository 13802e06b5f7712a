//! Answers that the proxy gives instead of the server.

use std::fmt;

use crate::api::Api;

/// The words in a refusal in the API's own form.
pub const WORDS: &str = "the planted words";

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injected {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Content,
}

/// The body of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// None.
    Empty,
    /// A page of a gateway.
    Html,
    /// JSON of another service.
    Stranger,
    /// JSON that breaks off.
    CutJson,
    /// A refusal as the API words it.
    Own,
    /// 100 MB of text.
    Huge,
    /// A good answer of another operation.
    Foreign,
}

impl Content {
    /// The bodies of refusals.
    pub const OF_REFUSALS: [Self; 6] =
        [Self::Empty, Self::Html, Self::Stranger, Self::CutJson, Self::Own, Self::Huge];

    /// Its bytes; only the first ones if it is huge.
    pub fn bytes(self, api: Api, status: u16) -> Vec<u8> {
        match self {
            Self::Empty => Vec::new(),
            Self::Html => format!("<html><title>{status}</title><h1>Bad gateway</h1></html>\n").into_bytes(),
            Self::Stranger => br#"{"detail": [{"loc": ["body"], "msg": "no"}], "ok": 0}"#.to_vec(),
            Self::CutJson => br#"{"type": "error", "error": "the server wen"#.to_vec(),
            Self::Own => own(api, status),
            Self::Huge => b"0123456789abcdef".repeat(1 << 12),
            Self::Foreign => foreign(api),
        }
    }

    /// How long it is.
    pub fn length(self, api: Api, status: u16) -> usize {
        if self == Self::Huge { 100_000_000 } else { self.bytes(api, status).len() }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html",
            Self::Empty | Self::Huge => "text/plain",
            Self::Stranger | Self::CutJson | Self::Own | Self::Foreign => "application/json",
        }
    }
}

fn own(api: Api, status: u16) -> Vec<u8> {
    match api {
        Api::Incus => {
            format!(r#"{{"type":"error","error":"{WORDS}","error_code":{status},"metadata":null}}"#)
        }
        Api::Koyeb => format!(r#"{{"status":{status},"code":"api_error","message":"{WORDS}"}}"#),
        Api::LambdaCloud => format!(r#"{{"error":{{"code":"global/unknown","message":"{WORDS}"}}}}"#),
        Api::ShakenFist => format!(r#"{{"error":"{WORDS}","status":{status}}}"#),
    }
    .into_bytes()
}

/// Of an operation that no API has.
fn foreign(api: Api) -> Vec<u8> {
    match api {
        Api::Incus => {
            r#"{"type":"sync","status":"Success","status_code":200,"metadata":{"pools":[[1],"x"]}}"#
        }
        Api::Koyeb => r#"{"regions":[{"id":"fra","coordinates":["50","8"]}],"limit":"10"}"#,
        Api::LambdaCloud => r#"{"data":{"invoices":[{"cents":12}]}}"#,
        Api::ShakenFist => r#"{"nodes":[{"name":"sf-1","lastseen":1}]}"#,
    }
    .as_bytes()
    .to_vec()
}

impl Injected {
    /// The column of the table that it belongs to.
    pub fn class(self) -> String {
        match self.retry_after {
            _ if self.body == Content::Foreign => "foreign".to_owned(),
            Some(_) => format!("{}+RA", self.status),
            None => self.status.to_string(),
        }
    }

    /// The head of the answer.
    pub fn head(self, api: Api) -> Vec<u8> {
        let Self { status, body, .. } = self;
        let after = self.retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        let (kind, length) = (body.media_type(), body.length(api, status));
        format!(
            "HTTP/1.1 {status} Injected\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{after}\r\n"
        )
        .into_bytes()
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {:?}", self.class(), self.body)
    }
}
