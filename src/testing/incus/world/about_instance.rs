//! What the image of an instance says, and its templates.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

/// What an instance's image says of itself.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) metadata: Value,
    pub(crate) templates: BTreeMap<String, Bytes>,
}

impl Default for About {
    fn default() -> About {
        let metadata = json!({
            "architecture": "x86_64", "creation_date": 1_700_000_000, "expiry_date": 0, "templates": null,
            "properties": {"description": "busybox test", "os": "busybox", "release": "test"},
        });
        About { metadata, templates: BTreeMap::new() }
    }
}
