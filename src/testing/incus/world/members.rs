//! The members of the cluster.

use serde_json::Value;

use super::operations::Operation;
use super::server::World;
use crate::testing::incus::envelope::{Failure, failure};
use crate::testing::incus::generation::Generation;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

impl World {
    /// The member for a new instance: the requested one, or the first.
    pub(crate) fn place(&self, request: &Request) -> Result<String, Failure> {
        let target = request.param("target").filter(|target| !target.is_empty());
        check(self, target.as_deref())?;
        let first = lock(&self.members).first().cloned();
        Ok(target.or(first).unwrap_or_else(|| "none".to_owned()))
    }

    /// The member on which an operation runs: that of its instance.
    pub(crate) fn place_of(&self, project: &str, resources: &Value) -> String {
        let first = lock(&self.members).first().cloned().unwrap_or_else(|| "none".to_owned());
        let name = resources["instances"][0].as_str().and_then(|url| url.rsplit('/').next());
        let key = (project.to_owned(), name.unwrap_or_default().to_owned());
        let place = self.with(&key, |instance| instance.document["location"].as_str().map(str::to_owned));
        place.ok().flatten().unwrap_or(first)
    }

    /// The query of an operation's URL if another member runs it.
    pub(crate) fn url_query(&self, operation: &Operation) -> String {
        let here = lock(&self.members).first().cloned();
        let elsewhere = here.is_some_and(|here| operation.document()["location"] != here[..]);
        match elsewhere && self.generation == Generation::V6_0 {
            true => format!("?project={}", operation.project),
            false => String::new(),
        }
    }
}

/// Fails unless there is such a member.
pub(crate) fn check(world: &World, member: Option<&str>) -> Result<(), Failure> {
    let members = lock(&world.members);
    match member {
        None => Ok(()),
        Some(_) if members.is_empty() => Err(failure(400, "Target only allowed when clustered")),
        Some(member) if members.iter().any(|known| known == member) => Ok(()),
        Some(member) => Err(failure(404, format!("Cluster member \"{member}\" not found"))),
    }
}
