//! `/1.0/cluster/members`, and which member something is on.

use serde_json::{Value, json};

use super::common::{lacking, recursion};
use super::envelope::{self, Answer, failure};
use super::world::World;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// `GET /1.0/cluster`.
pub(super) fn cluster(world: &World, request: &Request) -> Answer {
    let members = lock(&world.members);
    if request.method != "GET" {
        return lacking(request);
    }
    let name = members.first().cloned().unwrap_or_default();
    Ok(envelope::sync(&json!({"server_name": name, "enabled": !members.is_empty(), "member_config": []})))
}

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
        _ => lacking(request),
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
