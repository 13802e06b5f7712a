//! `/1.0/instances/{name}/metadata` with its templates, and `…/access`.

use chrono::Utc;
use serde_json::{Value, json};

use super::common::{body, digest, not_implemented};
use super::envelope::{self, Answer, failure};
use super::files::raw;
use super::world::{Key, World};
use crate::testing::server::request::Request;

pub(super) fn metadata(world: &World, request: &Request, key: &Key) -> Answer {
    let document = world.with(key, |instance| instance.about.metadata.clone())?;
    match request.method.as_str() {
        "GET" => {
            let etag = format!("\"{}\"", digest(document.to_string().as_bytes()));
            Ok(envelope::sync(&document).header("Etag", etag))
        }
        "PUT" => {
            let asked = body(request)?;
            world.with(key, |instance| instance.about.metadata = asked)?;
            Ok(envelope::done())
        }
        "PATCH" => {
            let asked = body(request)?;
            world.with(key, |instance| merge(&mut instance.about.metadata, &asked))?;
            Ok(envelope::done())
        }
        _ => not_implemented(),
    }
}

fn merge(document: &mut Value, asked: &Value) {
    for (key, value) in asked.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(entries) => {
                for (name, entry) in entries {
                    document[key][name] = entry.clone();
                }
            }
            None => document[key] = value.clone(),
        }
    }
    if document["templates"].is_null() {
        document["templates"] = json!({});
    }
}

pub(super) fn templates(world: &World, request: &Request, key: &Key) -> Answer {
    let names = world.with(key, |instance| instance.about.templates.keys().cloned().collect::<Vec<_>>())?;
    let path = request.param("path").filter(|path| !path.is_empty());
    let Some(path) = path else {
        return match request.method.as_str() {
            "GET" => Ok(envelope::sync(&Value::from(names))),
            _ => Err(failure(400, "missing path argument")),
        };
    };
    if path.contains('/') {
        return Err(failure(500, "Invalid template filename"));
    }
    if request.method == "POST" {
        world.with(key, |instance| instance.about.templates.insert(path, request.body.clone()))?;
        return Ok(envelope::done());
    }
    let found = world.with(key, |instance| instance.about.templates.get(&path).cloned())?;
    let found = found.ok_or_else(|| failure(404, format!("Template \"{path}\" not found")))?;
    match request.method.as_str() {
        "GET" => Ok(raw(request, &path, found, Utc::now())),
        "DELETE" => {
            world.with(key, |instance| instance.about.templates.remove(&path))?;
            Ok(envelope::done())
        }
        _ => not_implemented(),
    }
}

/// Without an authorization service there are no entries, also for an instance that doesn't exist.
pub(super) fn access(request: &Request) -> Answer {
    match request.method.as_str() {
        "GET" => Ok(envelope::sync(&Value::Null)),
        _ => not_implemented(),
    }
}
