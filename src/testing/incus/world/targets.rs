//! The paths of instances, in operations and in events.

use serde_json::{Value, json};

use super::instance::Key;
use super::operations::Draft;
use super::server::World;

pub(crate) fn draft(description: &'static str, key: &Key) -> Draft {
    Draft { description, project: key.0.clone(), resources: json!({"instances": [path(key)]}), socket: None }
}

pub(crate) fn path(key: &Key) -> String {
    format!("/1.0/instances/{}", key.1)
}

/// The path of an instance, with its project unless that is the default one.
pub(crate) fn url(key: &Key) -> String {
    in_project(&key.0, path(key))
}

/// A path with the project, unless that is the default one.
pub(crate) fn in_project(project: &str, path: String) -> String {
    match project {
        "default" => path,
        project => format!("{path}?project={project}"),
    }
}

impl World {
    pub(crate) fn tell(&self, action: &str, key: &Key, context: &Value) {
        self.events.lifecycle(action, &path(key), &key.0, context);
    }
}
