//! Connections taken over from an answer.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use reqwest::Response;
use reqwest::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::facts::Facts;
use super::failure::broken;
use crate::error::Error;

/// A connection in both directions, taken over from an HTTP answer. Dropping it closes it.
pub struct Upgraded {
    connection: reqwest::Upgraded,
    facts: Box<Facts>,
}

impl Upgraded {
    /// What is known about the call.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").finish_non_exhaustive()
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, into)
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

/// Requests a websocket, unless the caller requested another protocol. Returns the key that the answer must match.
pub(super) fn ask(headers: &mut HeaderMap) -> Option<String> {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if headers.contains_key(UPGRADE) {
        return None;
    }
    let key = generate_key();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(UPGRADE, "websocket");
    set(SEC_WEBSOCKET_VERSION, "13");
    set(SEC_WEBSOCKET_KEY, &key);
    Some(key)
}

/// Takes over the connection of an answer.
pub(super) async fn take_over(
    response: Response,
    key: Option<&str>,
    facts: &Facts,
) -> Result<Upgraded, Error> {
    let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if key.is_some_and(|key| accepted != Some(derive_accept_key(key.as_bytes()).as_bytes())) {
        return Err(facts.bad_reply("the server's answer to the websocket request doesn't match its key"));
    }
    match response.upgrade().await {
        Ok(connection) => Ok(Upgraded { connection, facts: Box::new(facts.clone()) }),
        Err(e) => Err(facts.error(broken(e))),
    }
}
