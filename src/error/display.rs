//! `Display` for people, one sentence; `Debug` with everything but the body.

use std::error::Error as StdError;
use std::fmt;

use super::{Error, Inner};
use crate::printable::one_line;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { api, kind, status, code, message, .. } = &*self.0;
        let (object, server) =
            (self.object().map(|object| format!("\"{}\"", one_line(object, 120))), self.server());
        let at = server.map(|server| format!("at {}", one_line(server, 200)));
        let words = [Some(*api), Some(self.operation()), object.as_deref(), at.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => {}
            // Nothing is known but the API.
            [api] => write!(f, "{api} ")?,
            words => write!(f, "{}: ", words.join(" "))?,
        }
        write!(f, "{kind}")?;
        if let Some(status) = status {
            let status = status.to_string();
            match code {
                // A vendor's code, or an error inside a good status.
                Some(code) if *code != status => write!(f, " ({status}, {})", one_line(code, 120))?,
                _ => write!(f, " ({status})")?,
            }
        }
        if !message.is_empty() {
            write!(f, ": {}", one_line(message, 400))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("api", &inner.api)
            .field("operation", &self.operation())
            .field("object", &inner.object)
            .field("server", &inner.server)
            .field("status", &inner.status)
            .field("code", &inner.code)
            .field("message", &inner.message)
            .field("sent", &inner.sent)
            .field("attempts", &inner.attempts)
            .field("request_id", &inner.request_id)
            .field("suggestion", &inner.suggestion)
            .field("marker", &inner.marker)
            .field("ticket", &inner.ticket)
            // The body itself may hold a secret.
            .field("body_bytes", &inner.body.len())
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::error::{Error, ErrorKind};

    #[test]
    fn display_is_one_short_sentence() {
        let e = Error::new(ErrorKind::NotFound, "Failed to\n\tfetch \"web\"").with(|e| {
            e.api = "incus";
            e.operation = "instance_get";
            e.status = Some(404);
        });
        assert_eq!(e.to_string(), "incus instance_get: not found (404): Failed to fetch \"web\"");
        let e = e.with(|e| {
            e.object = "web\u{1b}[2J".to_owned();
            e.server = "https://10.0.0.2:8443".to_owned();
            e.message = "\u{202e}\u{7}".to_owned();
        });
        assert_eq!(
            e.to_string(),
            "incus instance_get \"web\\u{1b}[2J\" at https://10.0.0.2:8443: not found (404): \\u{202e}\\u{7}"
        );
        let e = e.while_connecting();
        assert_eq!(e.operation(), "connect");
        let long = e.with(|e| (e.object, e.code) = ("ü".repeat(5_000), Some("ü".repeat(5_000))));
        assert!(long.to_string().chars().count() < 420);
        let e = Error::new(ErrorKind::Server, "ü".repeat(5_000));
        assert!(e.to_string().chars().count() < 420);
    }

    #[test]
    fn debug_shows_no_body() {
        let e = Error::new(ErrorKind::BadReply, "").with(|e| e.body = Bytes::from_static(b"hunter2"));
        assert!(!format!("{e:?}").contains("hunter2"));
        assert_eq!(e.body(), b"hunter2");
    }
}
