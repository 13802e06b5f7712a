//! `/1.0/cluster/members`, and which member something is on.

use serde_json::{Value, json};

use super::envelope::{self, Answer, Failure, failure};
use super::operations::Operation;
use super::state::World;
use super::{Generation, recursion};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

pub(super) fn members(world: &World, request: &Request, rest: &[&str]) -> Answer {
    let members = lock(&world.members).clone();
    if members.is_empty() {
        return Err(failure(500, "Server is not clustered"));
    }
    match (request.method.as_str(), rest) {
        ("GET", []) if recursion(request) == 0 => {
            let urls = members.iter().map(|name| format!("/1.0/cluster/members/{name}"));
            Ok(envelope::sync(&Value::from(urls.collect::<Vec<_>>())))
        }
        ("GET", []) => {
            let documents = members.iter().enumerate().map(|(number, name)| document(number, name));
            Ok(envelope::sync(&Value::from(documents.collect::<Vec<_>>())))
        }
        ("GET", [name]) => match members.iter().position(|member| member == name) {
            Some(number) => Ok(envelope::sync(&document(number, name))),
            None => Err(failure(404, "Cluster member not found")),
        },
        _ => super::not_implemented(),
    }
}

fn document(number: usize, name: &str) -> Value {
    let roles: &[&str] = if number == 0 { &["database-leader", "database"] } else { &["database"] };
    json!({
        "server_name": name, "url": format!("https://127.0.0.1:{}", 8443 + number), "status": "Online",
        "message": "Fully operational", "architecture": "x86_64", "database": true, "roles": roles,
        "groups": ["default"], "failure_domain": "default", "description": "", "config": {},
    })
}

/// Whether something may be sent to that member.
pub(super) fn check(world: &World, member: Option<&str>) -> Result<(), Failure> {
    let members = lock(&world.members);
    match member {
        None => Ok(()),
        Some(_) if members.is_empty() => Err(failure(400, "Target only allowed when clustered")),
        Some(member) if members.iter().any(|known| known == member) => Ok(()),
        Some(member) => Err(failure(404, format!("Cluster member \"{member}\" not found"))),
    }
}

impl World {
    /// Where a new instance goes: as asked for, or to the first member.
    pub(super) fn place(&self, request: &Request) -> Result<String, Failure> {
        let target = request.param("target").filter(|target| !target.is_empty());
        check(self, target.as_deref())?;
        let first = lock(&self.members).first().cloned();
        Ok(target.or(first).unwrap_or_else(|| "none".to_owned()))
    }

    /// Where an operation runs: with the instance that it is about.
    pub(super) fn place_of(&self, project: &str, resources: &Value) -> String {
        let first = lock(&self.members).first().cloned().unwrap_or_else(|| "none".to_owned());
        let name = resources["instances"][0].as_str().and_then(|url| url.rsplit('/').next());
        let key = (project.to_owned(), name.unwrap_or_default().to_owned());
        let place = self.with(&key, |instance| instance.document["location"].as_str().map(str::to_owned));
        place.ok().flatten().unwrap_or(first)
    }

    /// What follows an operation's URL when another member runs it.
    pub(super) fn url_query(&self, operation: &Operation) -> String {
        let here = lock(&self.members).first().cloned();
        let elsewhere = here.is_some_and(|here| operation.document()["location"] != here[..]);
        match elsewhere && self.generation == Generation::V6_0 {
            true => format!("?project={}", operation.project),
            false => String::new(),
        }
    }
}
