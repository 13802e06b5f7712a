//! A snapshot of an instance.

use serde_json::Value;

use super::tree::Tree;

/// A time that never comes.
pub(crate) const NEVER: &str = "0001-01-01T00:00:00Z";

#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) document: Value,
    pub(crate) files: Tree,
}

impl Snapshot {
    pub(crate) fn name(&self) -> &str {
        self.document["name"].as_str().unwrap_or_default()
    }

    /// A copy for another instance.
    pub(crate) fn copy(&self) -> Snapshot {
        Snapshot { document: self.document.clone(), files: self.files.copy() }
    }
}
