//! A backup of an instance.

use bytes::Bytes;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Backup {
    pub(crate) document: Value,
    /// The file; gone when another one was moved in its place.
    pub(crate) file: Option<Bytes>,
}
