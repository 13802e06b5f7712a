//! `/1.0/instances` and `/1.0/instances/{name}`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::building::check_name;
use super::common::{body, not_implemented, project, project_filter, recursion};
use super::envelope::{self, Answer, Failure, failure};
use super::filter::Filter;
use super::generation::Generation;
use super::limits::complaint;
use super::world::{Instance, Key, World, documents, draft, path};
use super::{create, profiles, views};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

pub(super) fn collection(world: &Arc<World>, request: &Request) -> Answer {
    if request.method == "POST" {
        let project = world.check_project(&project(request));
        project.map_err(|e| failure(e.code, format!("Failed loading project: {}", e.text)))?;
    }
    match request.method.as_str() {
        "GET" => list(world, request),
        "POST" if is_tarball(request) => super::backups::import(world, request),
        "POST" => create::create(world, request),
        "PUT" => super::power::change_all(world, request),
        _ => not_implemented(),
    }
}

fn is_tarball(request: &Request) -> bool {
    request.header("content-type").is_some_and(|kind| kind == "application/octet-stream")
}

pub(super) fn one(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    world.check_project(&key.0)?;
    match request.method.as_str() {
        "GET" => get(world, request, key),
        "PUT" => put(world, request, key),
        "PATCH" => patch(world, request, key),
        "POST" => rename(world, request, key),
        "DELETE" => delete(world, key),
        _ => not_implemented(),
    }
}

fn list(world: &World, request: &Request) -> Answer {
    let project = project_filter(request)?;
    let filter = Filter::parse(&request.param("filter").unwrap_or_default())?;
    let kind = kind(world.generation, request)?;
    let depth = recursion(request);
    let mut shown = Vec::new();
    for (key, instance) in lock(&world.instances).iter() {
        let here = project.as_ref().is_none_or(|project| *project == key.0);
        let right = kind.as_ref().is_none_or(|kind| instance.document["type"] == **kind);
        if here && right && filter.keep(&instance.document)? {
            shown.push(entry(world.generation, key, instance, depth));
        }
    }
    Ok(envelope::sync(&Value::from(shown)))
}

/// 7.0.2 ignores `instance-type`.
fn kind(generation: Generation, request: &Request) -> Result<Option<String>, Failure> {
    let given = request.param("instance-type").filter(|given| !given.is_empty());
    match given.as_deref() {
        _ if generation == Generation::V7_0 => Ok(None),
        None | Some("container" | "virtual-machine") => Ok(given),
        Some(_) => Err(failure(400, "Invalid instance type")),
    }
}

fn entry(generation: Generation, key: &Key, instance: &Instance, depth: u64) -> Value {
    match depth {
        0 => path(key).into(),
        1 => instance.document.clone(),
        _ => views::full(instance, generation),
    }
}

fn get(world: &World, request: &Request, key: &Key) -> Answer {
    let full = recursion(request) > 0;
    let document = world.with(key, |instance| match full {
        true => views::full(instance, world.generation),
        false => instance.document.clone(),
    })?;
    let etag = format!("\"{}\"", documents::etag(&document));
    Ok(envelope::sync(&document).header("Etag", etag))
}

fn check_etag(world: &World, request: &Request, key: &Key) -> Result<(), Failure> {
    let etag = documents::etag(&world.document(key)?);
    let Some(given) = request.header("if-match") else {
        return Ok(());
    };
    let given = given.trim_matches('"');
    if given.is_empty() || given == etag {
        return Ok(());
    }
    Err(failure(412, format!("ETag doesn't match: {etag} vs {given}")))
}

fn check_config(world: &World, asked: &Value) -> Result<(), Failure> {
    if let Some(complaint) = asked["config"].as_object().and_then(complaint) {
        return Err(failure(500, format!("Invalid config: {complaint}")));
    }
    match world.device_complaint(&asked["devices"]) {
        Some(complaint) => Err(failure(500, format!("Invalid devices: {complaint}"))),
        None => Ok(()),
    }
}

/// Each profile applies once.
fn check_profiles(asked: &Value) -> Result<(), Failure> {
    let names = asked["profiles"].as_array().map(Vec::as_slice).unwrap_or_default();
    match names.iter().enumerate().any(|(at, name)| names[..at].contains(name)) {
        true => Err(failure(500, "Duplicate profile found in request")),
        false => Ok(()),
    }
}

/// What the server keeps for itself must be in a whole new configuration, too.
fn check_volatile(asked: &Value, document: &Value) -> Result<(), Failure> {
    let before = document["config"].as_object().into_iter().flatten();
    let mut idmap = before.filter(|(key, _)| key.starts_with("volatile.idmap."));
    match idmap.any(|(key, _)| asked["config"].get(key).is_none()) {
        true => Err(failure(500, "Volatile idmap keys can't be deleted by the user")),
        false => Ok(()),
    }
}

fn put(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    check_etag(world, request, key)?;
    let asked = body(request)?;
    if let Some(snapshot) = asked["restore"].as_str().filter(|snapshot| !snapshot.is_empty()) {
        return super::snapshots::restore(world, key, snapshot, asked["stateful"] == true);
    }
    if profiles::unknown(world, &key.0, &asked).is_some() {
        return Err(failure(404, "Profile not found"));
    }
    let key = key.clone();
    Ok(world.launch(draft("Updating instance", &key), |world, _| async move {
        check_config(&world, &asked)?;
        check_profiles(&asked)?;
        check_volatile(&asked, &world.document(&key)?)?;
        world.take_time(None).await;
        world.with(&key, |instance| {
            replace(&mut instance.document, &asked);
            world.apply_profiles(&key.0, instance);
        })?;
        world.tell("instance-updated", &key, &Value::Null);
        Ok(())
    }))
}

/// Empties what isn't in the request, except for what clients can't write.
fn replace(document: &mut Value, asked: &Value) {
    let empty = [
        ("config", json!({})),
        ("devices", json!({})),
        ("profiles", json!([])),
        ("ephemeral", json!(false)),
        ("description", json!("")),
    ];
    for (key, empty) in empty {
        let given = asked.get(key).filter(|value| !value.is_null());
        document[key] = given.cloned().unwrap_or(empty);
    }
    drop_empty(document);
}

fn drop_empty(document: &mut Value) {
    if let Some(config) = document["config"].as_object_mut() {
        config.retain(|_, value| value != "");
    }
    for device in document["devices"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(options) = device.as_object_mut() {
            options.retain(|_, value| value != "");
        }
    }
}

fn patch(world: &World, request: &Request, key: &Key) -> Answer {
    check_etag(world, request, key)?;
    let asked = body(request)?;
    check_config(world, &asked)?;
    check_profiles(&asked)?;
    if profiles::unknown(world, &key.0, &asked).is_some() {
        return Err(failure(404, "Profile not found"));
    }
    world.with(key, |instance| {
        merge(&mut instance.document, &asked);
        if world.generation == Generation::V6_0 {
            // As on the real server, what isn't in the request is emptied.
            instance.document["description"] = asked["description"].as_str().unwrap_or_default().into();
        }
        world.apply_profiles(&key.0, instance);
        instance.show_ready();
    })?;
    world.tell("instance-updated", key, &Value::Null);
    Ok(envelope::done())
}

fn merge(document: &mut Value, asked: &Value) {
    for map in ["config", "devices"] {
        let given = asked[map].as_object().cloned().unwrap_or_default();
        if let Some(map) = document[map].as_object_mut() {
            map.extend(given);
        }
    }
    for key in ["profiles", "ephemeral", "description"] {
        if let Some(given) = asked.get(key).filter(|value| !value.is_null()) {
            document[key] = given.clone();
        }
    }
    drop_empty(document);
}

fn delete(world: &Arc<World>, key: &Key) -> Answer {
    if world.with(key, |instance| instance.is_up())? {
        return Err(failure(400, "Instance is running"));
    }
    let key = key.clone();
    Ok(world.launch(draft("Deleting instance", &key), |world, _| async move {
        world.take_time(None).await;
        lock(&world.instances).remove(&key);
        world.tell("instance-deleted", &key, &Value::Null);
        Ok(())
    }))
}

fn rename(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    if !world.exists(key) {
        let text = "Failed to get address of instance's member: Instance not found";
        return Err(failure(404, text));
    }
    let asked = body(request)?;
    if asked["migration"] == true {
        return super::relocate::migrate(world, request, key, &asked);
    }
    let name = asked["name"].as_str().unwrap_or_default().to_owned();
    check_name(&name)?;
    let new = (project(request), name);
    if world.exists(&new) {
        return Err(failure(409, format!("Name \"{}\" already in use", new.1)));
    }
    let key = key.clone();
    Ok(world.launch(draft("Renaming instance", &key), |world, _| async move {
        if world.with(&key, |instance| instance.is_up())? {
            return Err(failure(500, "Renaming of running instance not allowed"));
        }
        world.take_time(None).await;
        world.move_instance(&key, &new);
        world.tell("instance-renamed", &new, &json!({"old_name": key.1}));
        Ok(())
    }))
}

impl World {
    fn move_instance(&self, from: &Key, to: &Key) {
        let mut instances = lock(&self.instances);
        if let Some(mut instance) = instances.remove(from) {
            instance.document["name"] = to.1.clone().into();
            instances.insert(to.clone(), instance);
        }
    }
}
