//! The profiles of the server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::instance::{Instance, Key};
use super::server::World;
use crate::testing::server::tasks::lock;

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

impl World {
    /// Whether a project has its own profiles. The default one of them has no disk at first.
    pub(crate) fn has_own_profiles(&self, project: &str) -> bool {
        lock(&self.projects)
            .get(project)
            .is_some_and(|document| document["config"]["features.profiles"] == "true")
    }

    /// Where a project's profiles are: one without profiles of its own has those of the default project.
    pub(crate) fn home_of_profiles(&self, project: &str) -> String {
        if self.has_own_profiles(project) { project.to_owned() } else { "default".to_owned() }
    }

    /// All profiles, by the project that has them.
    pub(crate) fn all_profiles(&self) -> Vec<Key> {
        let created: Vec<String> = lock(&self.projects).keys().cloned().collect();
        let own = created.into_iter().filter(|project| self.has_own_profiles(project));
        let homes = ["default".to_owned()].into_iter().chain(own);
        homes.flat_map(|home| self.profiles_of(&home)).collect()
    }

    /// The profiles that are in a project.
    pub(crate) fn profiles_of(&self, home: &str) -> Vec<Key> {
        lock(&self.profiles).names(home).into_iter().map(|name| (home.to_owned(), name)).collect()
    }

    /// Gives an instance what its profiles say now.
    pub(crate) fn apply_profiles(&self, project: &str, instance: &mut Instance) {
        let home = self.home_of_profiles(project);
        let names = instance.document["profiles"].as_array().cloned().unwrap_or_default();
        let profiles = lock(&self.profiles);
        let found = names.iter().filter_map(|name| profiles.find(&(home.clone(), name.as_str()?.to_owned())));
        instance.profiles = found.collect();
        drop(profiles);
        instance.expand();
    }
}
