//! Plain requests to a real server, past the proxy. They block.

use std::io::{Read, Write};

use serde_json::Value;

use super::Failure;
use crate::origin::Address;
use crate::wire::Message;

/// A server that is asked directly.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    address: Address,
    /// Lines of the head that every request has.
    pub(super) head: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Direct {
    pub(super) fn new(address: &Address) -> Self {
        Self { address: address.clone(), head: String::new() }
    }

    /// Sends a request, and reads the answer.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Result<Reply, Failure> {
        let (head, length) = (&self.head, body.len());
        let mut server = self.address.connect_blocking()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: server\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Content-Type: application/json\r\n{head}\r\n{body}"
        );
        server.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        let message = Message::whole(answer).ok_or_else(|| format!("{method} {path}: no answer"))?;
        Ok(Reply { status: message.status(), body: message.unchunked() })
    }
}

impl Reply {
    /// The document in it.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Only if it is good.
    pub(super) fn good(self, what: &str) -> Result<Self, Failure> {
        match self.status {
            200..300 => Ok(self),
            status => Err(format!("{what}: {status}: {}", String::from_utf8_lossy(&self.body)).into()),
        }
    }
}
