//! The images of the server.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::events::now;
use super::instance::Key;
use crate::testing::incus::common::digest;
use crate::testing::incus::generation::Generation;

#[derive(Debug, Default)]
pub(crate) struct Images {
    /// By project and fingerprint.
    pub(crate) images: BTreeMap<Key, Value>,
    /// By project and name.
    pub(crate) aliases: BTreeMap<Key, Value>,
    /// The files to export: one, or the two of a split image by their names in the form.
    pub(crate) files: BTreeMap<Key, Vec<Part>>,
}

/// A file of an image.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) data: Bytes,
}

impl Images {
    /// Finds an image by its fingerprint, or the beginning of that.
    pub(crate) fn find(&self, project: &str, fingerprint: &str) -> Option<Value> {
        let mine = self.images.iter().filter(|(key, _)| key.0 == project);
        let mut fitting = mine.filter(|(key, _)| key.1.starts_with(fingerprint));
        let (key, image) = fitting.next().filter(|_| !fingerprint.is_empty())?;
        let mut image = image.clone();
        image["aliases"] = self.names_of(key).into();
        Some(image)
    }

    pub(crate) fn aliased(&self, project: &str, name: &str) -> Option<Value> {
        let alias = self.aliases.get(&(project.to_owned(), name.to_owned()))?;
        self.find(project, alias["target"].as_str()?)
    }

    pub(crate) fn with_properties(&self, project: &str, wanted: &Map<String, Value>) -> Option<Value> {
        let has_all = |image: &Value| wanted.iter().all(|(key, value)| image["properties"][key] == *value);
        let mut mine = self.images.iter().filter(|(key, image)| key.0 == project && has_all(image));
        mine.next().map(|(_, image)| image.clone())
    }

    /// Notes that an instance was made of it.
    pub(crate) fn used(&mut self, image: &Value) {
        let same = |(_, kept): &(&Key, &mut Value)| {
            kept["fingerprint"] == image["fingerprint"] && kept["project"] == image["project"]
        };
        self.images.iter_mut().filter(same).for_each(|(_, kept)| kept["last_used_at"] = now().into());
    }

    pub(crate) fn names_of(&self, image: &Key) -> Vec<Value> {
        let mine = |(key, alias): &(&Key, &Value)| key.0 == image.0 && alias["target"] == image.1[..];
        let short =
            |(_, alias): (&Key, &Value)| json!({"name": alias["name"], "description": alias["description"]});
        self.aliases.iter().filter(mine).map(short).collect()
    }

    pub(crate) fn add_alias(&mut self, project: &str, name: &str, target: &str, description: &str) {
        let alias = json!({"name": name, "target": target, "description": description, "type": "container"});
        self.aliases.insert((project.to_owned(), name.to_owned()), alias);
    }

    pub(crate) fn add(&mut self, project: &str, image: Value, files: Vec<Part>) {
        let key = (project.to_owned(), image["fingerprint"].as_str().unwrap_or_default().to_owned());
        self.files.insert(key.clone(), files);
        self.images.insert(key, image);
    }
}

/// A unified image.
pub(crate) fn unified(data: impl Into<Bytes>) -> Vec<Part> {
    vec![Part { name: String::new(), data: data.into() }]
}

/// The document that the server makes of an image's tarball.
pub(crate) fn document(generation: Generation, data: &[u8], filename: &str) -> Value {
    let mut image = json!({
        "fingerprint": digest(data), "size": data.len(), "filename": filename,
        "architecture": "x86_64", "type": "container", "public": false, "cached": false, "auto_update": false,
        "aliases": [], "profiles": ["default"], "project": "default",
        "properties": {"os": "busybox", "release": "test", "description": "busybox test"},
        "created_at": "2023-11-14T22:13:20Z", "uploaded_at": now(),
        "expires_at": "0001-01-01T00:00:00Z", "last_used_at": "0001-01-01T00:00:00Z",
    });
    if generation == Generation::V7_0 {
        image["locations"] = json!(["none"]);
    }
    image
}
