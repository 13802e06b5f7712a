//! The profiles of the server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::instance::Key;

/// By project and name. A default profile is kept only once it was changed.
#[derive(Debug, Default)]
pub(crate) struct Profiles(BTreeMap<Key, Value>);

impl Profiles {
    /// The document of a profile, without its users.
    pub(crate) fn find(&self, key: &Key) -> Option<Value> {
        let kept = self.0.get(key).cloned();
        kept.or_else(|| (key.1 == "default").then(|| first(&key.0)))
    }

    pub(crate) fn put(&mut self, key: &Key, document: Value) {
        self.0.insert(key.clone(), document);
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.0.remove(key);
    }

    /// Forgets those of a project.
    pub(crate) fn remove_project(&mut self, project: &str) {
        self.0.retain(|key, _| key.0 != project);
    }

    /// The names of a project's profiles.
    pub(crate) fn names(&self, project: &str) -> BTreeSet<String> {
        let mine = self.0.keys().filter(|key| key.0 == project).map(|key| key.1.clone());
        mine.chain(["default".to_owned()]).collect()
    }
}

/// The default profile of a new project.
fn first(project: &str) -> Value {
    let (description, devices) = match project {
        "default" => (
            "Default Incus profile".to_owned(),
            json!({"root": {"path": "/", "pool": "default", "type": "disk"}}),
        ),
        _ => (format!("Default Incus profile for project {project}"), json!({})),
    };
    json!({"name": "default", "project": project, "description": description, "config": {}, "devices": devices})
}
