//! Conclusions from an error: the thing is absent, or the outcome is unknown.

use super::{Error, ErrorKind, Inner, Sent};

impl Error {
    /// Whether the API itself says that the thing doesn't exist.
    #[allow(dead_code)] // as below
    pub(crate) fn tells_absence(&self) -> bool {
        self.is_not_found() && (self.code().is_some() || !self.message().is_empty())
    }

    /// The answer to a request that may have created `thing` is lost, and `thing` was not found. Keeps everything known
    /// of the lost answer.
    #[allow(dead_code)] // as below
    pub(crate) fn outcome_unknown(thing: &str, key: &str, marker: &str, lost: Self) -> Self {
        let message = format!("{thing} may or may not be created ({key}={marker}): {}", lost.message());
        Self::uncertain(message, lost).with(|e| e.marker = Some(marker.to_owned()))
    }

    /// It is unknown whether the request took effect. Keeps everything known of the lost answer.
    #[allow(dead_code)] // as below
    pub(crate) fn uncertain(message: String, lost: Self) -> Self {
        Self::new(ErrorKind::OutcomeUnknown, message).with(|e| {
            e.copy_facts(&lost);
            e.repeatable = false;
            e.body = lost.0.body.clone();
            e.source = Some(Box::new(lost));
        })
    }

    /// Sets the server, unless it is already set.
    pub(crate) fn at(self, server: &str) -> Self {
        self.with(|e| {
            if e.server.is_empty() {
                e.server = server.to_owned();
            }
        })
    }

    /// Marks the failure of a call as a failure to connect.
    #[allow(dead_code)] // as below
    pub(crate) fn while_connecting(self) -> Self {
        self.with(|e| {
            e.verb = "connect".to_owned();
            e.object.clear();
        })
    }

    /// `Ok` if the API itself says that the thing doesn't exist. A bare 404 may come from a proxy and proves nothing:
    /// it becomes [`ErrorKind::BadReply`].
    #[allow(dead_code)] // without any API nothing calls it
    pub(crate) fn absence(self) -> Result<(), Self> {
        if self.tells_absence() {
            return Ok(());
        }
        if !self.is_not_found() {
            return Err(self);
        }
        Err(self.with(|e| {
            e.kind = ErrorKind::BadReply;
            e.message = "the answer is not from the API itself".to_owned();
        }))
    }
}

impl Inner {
    /// A request of the call took effect, whatever failed after it: it arrived, and must not be repeated.
    #[allow(dead_code)] // as above
    pub(crate) fn took_effect(&mut self) {
        (self.sent, self.repeatable) = (Sent::Yes, false);
    }

    /// Copies another error, except for the body, the output of a command and the source.
    pub(crate) fn copy_facts(&mut self, other: &Error) {
        let other = &*other.0;
        self.api = other.api;
        self.operation = other.operation;
        self.verb = other.verb.clone();
        self.object = other.object.clone();
        self.server = other.server.clone();
        self.status = other.status;
        self.code = other.code.clone();
        self.sent = other.sent;
        self.repeatable = other.repeatable;
        self.attempts = other.attempts;
        self.retry_after = other.retry_after;
        self.request_id = other.request_id.clone();
        self.suggestion = other.suggestion.clone();
        self.fields = other.fields.clone();
        self.marker = other.marker.clone();
        self.ticket = other.ticket.clone();
        self.wait_cut_short = other.wait_cut_short;
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;
    use std::time::Duration;

    use bytes::Bytes;

    use crate::error::{Error, ErrorKind, Sent};

    #[test]
    fn an_unknown_outcome_keeps_all_that_was_said() {
        let lost = Error::new(ErrorKind::Server, "boom").with(|e| {
            (e.api, e.operation, e.status, e.sent, e.attempts) = ("koyeb", "create", Some(500), Sent::Yes, 2);
            (e.code, e.request_id) = (Some("disk".to_owned()), Some("r1".to_owned()));
            (e.suggestion, e.retry_after) = (Some("wait".to_owned()), Some(Duration::from_secs(7)));
            (e.server, e.repeatable) = ("https://a".to_owned(), true);
            e.body = Bytes::from_static(b"{}");
        });
        let e = Error::outcome_unknown("\"web\"", "key", "m1", lost);
        assert_eq!(e.message(), "\"web\" may or may not be created (key=m1): boom");
        assert_eq!((e.kind(), e.status(), e.sent()), (ErrorKind::OutcomeUnknown, Some(500), Sent::Yes));
        assert_eq!((e.code(), e.request_id(), e.suggestion()), (Some("disk"), Some("r1"), Some("wait")));
        assert_eq!((e.attempts(), e.server(), e.body()), (2, Some("https://a"), &b"{}"[..]));
        assert_eq!((e.marker(), e.is_repeatable()), (Some("m1"), false));
        assert_eq!(e.retry_after(), Some(Duration::from_secs(7)));
        assert!(StdError::source(&e).is_some());
    }

    #[test]
    fn absence_is_said_by_the_api_itself() {
        let e = |kind, code: Option<&str>, message| {
            Error::new(kind, message)
                .with(|e| e.code = code.map(str::to_owned))
                .absence()
                .map_err(|e| e.kind())
        };
        assert_eq!(e(ErrorKind::NotFound, Some("404"), ""), Ok(()));
        assert_eq!(e(ErrorKind::NotFound, None, "instance not found"), Ok(()));
        assert_eq!(e(ErrorKind::NotFound, None, ""), Err(ErrorKind::BadReply));
        assert_eq!(e(ErrorKind::Server, Some("500"), "boom"), Err(ErrorKind::Server));
    }
}
