//! A backup of an instance.

use bytes::Bytes;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Backup {
    pub(crate) document: Value,
    /// The file; none if another one has replaced it.
    pub(crate) file: Option<Bytes>,
}
