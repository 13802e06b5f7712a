//! A request that arrived, for the test to look at.

use bytes::Bytes;
use serde_json::Value;

use super::tls::fingerprint;

/// A request as it arrived, also if a planted fault dropped it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// The path as sent, still percent-encoded.
    pub path: String,
    /// What follows the `?`; empty if there is none.
    pub query: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body; empty if the connection was refused before it was read.
    pub body: Bytes,
    pub(crate) door: Door,
}

/// How a connection arrived.
#[derive(Debug, Clone, Default)]
pub(crate) enum Door {
    /// On this machine, without authentication.
    #[default]
    Local,
    /// Over TLS, perhaps with a certificate.
    Tls(Option<Bytes>),
}

impl Request {
    /// SHA-256, in hexadecimal, of the client's certificate, if it came over TLS with one.
    pub fn client_fingerprint(&self) -> Option<String> {
        match &self.door {
            Door::Tls(Some(certificate)) => Some(fingerprint(certificate)),
            _ => None,
        }
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A decoded parameter of the query.
    pub fn param(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').map(|p| p.split_once('=').unwrap_or((p, "")));
        pairs.into_iter().find(|(key, _)| decode(key, true) == name).map(|(_, value)| decode(value, true))
    }

    /// The body as JSON, if it is.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The decoded segments of the path.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.path.trim_start_matches('/');
        path.split('/').map(|segment| decode(segment, false)).collect()
    }
}

fn decode(text: &str, plus: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, used) = match (first, tail) {
            (b'%', [a, b, ..]) => hex(*a, *b).map_or((b'%', 1), |byte| (byte, 3)),
            (b'+', _) if plus => (b' ', 1),
            (byte, _) => (*byte, 1),
        };
        out.push(byte);
        rest = &rest[used..];
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(a: u8, b: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(a)? * 16 + digit(b)?).ok()
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn a_query_is_decoded() {
        let request = Request { query: "filter=name+eq%20a&x=%zz".into(), ..Request::default() };
        assert_eq!(request.param("filter").as_deref(), Some("name eq a"));
        assert_eq!(request.param("x").as_deref(), Some("%zz"));
        assert_eq!(request.param("y"), None);
    }
}
