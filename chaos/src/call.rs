//! Calls of any operation, with samples for what they need.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use windlass::Error;
use windlass::raw::{Body, ByteStream, Call, Upgraded};

/// How long a stream is read. It has no limit of its own.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A call of an operation, as a future.
pub type Calling = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// A call whose answer is a document, or nothing.
pub fn document<T: 'static>(call: Call<T>) -> Calling {
    Box::pin(async { call.await.map(drop) })
}

/// A call whose answer is bytes: reads them for a while.
pub fn bytes(call: Call<ByteStream>) -> Calling {
    Box::pin(async {
        let mut pieces = call.await?;
        let read = async {
            while let Some(piece) = pieces.next().await {
                piece?;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or(Ok(()))
    })
}

/// A call whose answer is a connection: closes it.
pub fn connection(call: Call<Upgraded>) -> Calling {
    Box::pin(async { call.await.map(drop) })
}

/// What operations need. Without a value that fits, a request is sent all the same, about something that doesn't exist.
#[derive(Debug)]
pub struct Sample {
    /// The value of a parameter, by the operation's id and the parameter's name.
    pub values: fn(&str, &str) -> Option<&'static str>,
    /// Values that only this world has, by name; they win.
    pub own: Vec<(&'static str, String)>,
    /// The body of an operation, by its id. `<name>` in it is one of `own`.
    pub bodies: fn(&str) -> Option<&'static str>,
}

impl Sample {
    /// A parameter.
    pub fn value<T: DeserializeOwned>(&self, id: &str, wire: &str) -> T {
        let text = (self.values)(id, wire).map_or_else(|| "sample".to_owned(), |text| self.filled(text));
        serde_json::from_value(Value::String(text))
            .or_else(|_| serde_json::from_value(Value::from(0)))
            .unwrap_or_else(|e| panic!("no sample for {wire} of {id}: {e}"))
    }

    /// A JSON body: the one for this operation, otherwise the least that its schema allows.
    pub fn body<T: DeserializeOwned>(&self, id: &str, least: &str) -> T {
        let text = (self.bodies)(id).map_or_else(|| least.to_owned(), |text| self.filled(text));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("no sample for the body of {id}: {e}: {text}"))
    }

    /// The content of an upload.
    #[allow(clippy::unused_self)] // like the others
    pub fn content(&self, id: &str) -> Body {
        match id {
            // It begins like a compressed tarball.
            "instance_import" => Body::from(&b"\x1f\x8bbackup"[..]),
            _ => Body::from("content\n".repeat(64)),
        }
    }

    fn filled(&self, text: &str) -> String {
        self.own.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
    }
}
