//! Which profiles a project has, and what they give to its instances.

use super::instance::{Instance, Key};
use super::server::World;
use crate::testing::server::tasks::lock;

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
