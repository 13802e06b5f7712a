//! What a fake answers, before it becomes HTTP.

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::limited::{Limited, WebSocket};

/// Status, headers and a body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

pub(crate) type Tunnel = Box<dyn FnOnce(Limited) -> BoxFuture<'static, ()> + Send>;
pub(crate) type Talk = Box<dyn FnOnce(WebSocket) -> BoxFuture<'static, ()> + Send>;

pub(crate) enum Body {
    /// All of it is known now: sent with its length.
    Whole(Bytes),
    /// The headers are sent at once, the body when it is known.
    Later(BoxFuture<'static, Bytes>),
    /// Nothing is ever sent, not even the headers.
    Never,
    /// The connection becomes a websocket.
    Socket(Talk),
    /// The connection becomes something else.
    Tunnel(Tunnel),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Body::Later(_) => f.write_str("Later"),
            Body::Never => f.write_str("Never"),
            Body::Socket(_) => f.write_str("Socket"),
            Body::Tunnel(_) => f.write_str("Tunnel"),
        }
    }
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Reply {
        Reply { status, headers: Vec::new(), body: Body::Whole(body.into()) }
    }

    pub(crate) fn never() -> Reply {
        Reply { body: Body::Never, ..Reply::new(200, Bytes::new()) }
    }

    pub(crate) fn later(body: BoxFuture<'static, Bytes>) -> Reply {
        Reply { body: Body::Later(body), ..Reply::new(200, Bytes::new()) }
    }

    pub(crate) fn socket<F>(talk: impl FnOnce(WebSocket) -> F + Send + 'static) -> Reply
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Reply {
            body: Body::Socket(Box::new(|socket| Box::pin(talk(socket)))),
            ..Reply::new(101, Bytes::new())
        }
    }

    /// What the connection becomes once `protocol` is agreed on.
    pub(crate) fn tunnel<F>(protocol: &str, talk: impl FnOnce(Limited) -> F + Send + 'static) -> Reply
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Reply {
            body: Body::Tunnel(Box::new(|stream| Box::pin(talk(stream)))),
            ..Reply::new(101, Bytes::new()).header("Upgrade", protocol).header("Connection", "Upgrade")
        }
    }

    /// Sets a header, replacing one of the same name.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
