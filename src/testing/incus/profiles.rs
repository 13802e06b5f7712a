//! `/1.0/profiles`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::common::{body, digest, not_implemented, project, project_filter, recursion};
use super::envelope::{self, Answer, Failure, failure};
use super::limits::complaint;
use super::world::{Instance, Key, World, url};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

pub(super) fn profiles(world: &Arc<World>, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => list(world, request),
        ("POST", []) => create(world, request),
        (_, []) => not_implemented(),
        (_, [name]) => one(world, request, &key(world, request, name)),
        _ => Err(failure(404, "not found")),
    }
}

fn key(world: &World, request: &Request, name: &str) -> Key {
    (world.home_of_profiles(&project(request)), name.to_owned())
}

fn one(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    let missing = || failure(404, "Fetch profile: Profile not found");
    match request.method.as_str() {
        "GET" => {
            let document = shown(world, key).ok_or_else(missing)?;
            Ok(envelope::sync(&document).header("Etag", format!("\"{}\"", etag(&document))))
        }
        "PUT" | "PATCH" => change(world, request, key),
        "POST" => rename(world, request, key),
        "DELETE" => delete(world, key),
        _ => not_implemented(),
    }
}

/// A profile with its users.
fn shown(world: &World, key: &Key) -> Option<Value> {
    let mut document = lock(&world.profiles).find(key)?;
    document["used_by"] = users(world, key).into();
    Some(document)
}

/// The paths of the instances that have a profile.
fn users(world: &World, key: &Key) -> Vec<Value> {
    let instances = lock(&world.instances);
    let mine = instances.iter().filter(|(owner, instance)| uses(world, owner, instance, key));
    mine.map(|(owner, _)| url(owner).into()).collect()
}

fn uses(world: &World, owner: &Key, instance: &Instance, key: &Key) -> bool {
    let named = instance.document["profiles"].as_array().is_some_and(|all| all.contains(&key.1[..].into()));
    named && world.home_of_profiles(&owner.0) == key.0
}

fn list(world: &World, request: &Request) -> Answer {
    let keys = match project_filter(request)? {
        Some(project) => world.profiles_of(&world.home_of_profiles(&project)),
        None => world.all_profiles(),
    };
    let shown: Vec<Value> = match recursion(request) {
        0 => keys.iter().map(|key| format!("/1.0/profiles/{}", key.1).into()).collect(),
        _ => keys.iter().filter_map(|key| shown(world, key)).collect(),
    };
    Ok(envelope::sync(&shown.into()))
}

fn create(world: &World, request: &Request) -> Answer {
    let asked = body(request)?;
    let name = asked["name"].as_str().unwrap_or_default();
    check_name(name)?;
    check(world, &asked)?;
    let key = key(world, request, name);
    let mut profiles = lock(&world.profiles);
    if profiles.find(&key).is_some() {
        return Err(failure(
            500,
            format!("Error inserting {name:?} into database: The profile already exists"),
        ));
    }
    let new = json!({"name": name, "project": key.0, "description": "", "config": {}, "devices": {}});
    profiles.put(&key, with(new, &asked));
    drop(profiles);
    tell(world, "profile-created", &key, &Value::Null);
    Ok(envelope::created(&format!("/1.0/profiles/{name}")))
}

fn tell(world: &World, what: &str, key: &Key, context: &Value) {
    world.events.lifecycle(what, &format!("/1.0/profiles/{}", key.1), &key.0, context);
}

fn check_name(name: &str) -> Result<(), Failure> {
    match name {
        "" => Err(failure(400, "No name provided")),
        _ if name.contains('/') => Err(failure(400, "Profile names may not contain slashes")),
        "." | ".." => Err(failure(400, format!("Invalid profile name {name:?}"))),
        _ => Ok(()),
    }
}

fn check(world: &World, asked: &Value) -> Result<(), Failure> {
    let wrong = asked["config"].as_object().and_then(complaint);
    match wrong.or_else(|| world.device_complaint(&asked["devices"])) {
        Some(wrong) => Err(failure(400, wrong)),
        None => Ok(()),
    }
}

/// The document with what a request says of it.
fn with(mut document: Value, asked: &Value) -> Value {
    for key in ["description", "config", "devices"] {
        if let Some(given) = asked.get(key).filter(|given| !given.is_null()) {
            document[key] = given.clone();
        }
    }
    if let Some(config) = document["config"].as_object_mut() {
        config.retain(|_, value| value != "");
    }
    document
}

fn etag(document: &Value) -> String {
    let parts = ["config", "description", "devices"].map(|key| document[key].to_string());
    digest(parts.join("\n").as_bytes())
}

/// A PUT empties what isn't in it; a PATCH adds.
fn change(world: &World, request: &Request, key: &Key) -> Answer {
    let before = lock(&world.profiles).find(key);
    let before = before.ok_or_else(|| failure(404, "Failed to retrieve profile: Profile not found"))?;
    let etag = etag(&before);
    if let Some(given) = request
        .header("if-match")
        .map(|given| given.trim_matches('"'))
        .filter(|g| !g.is_empty() && *g != etag)
    {
        return Err(failure(412, format!("ETag doesn't match: {etag} vs {given}")));
    }
    let asked = body(request)?;
    check(world, &asked)?;
    let merged = |map: &str| -> Value {
        let kept = before[map].as_object().cloned().unwrap_or_default();
        kept.into_iter()
            .chain(asked[map].as_object().cloned().unwrap_or_default())
            .collect::<Map<_, _>>()
            .into()
    };
    let (base, asked) = match request.method.as_str() {
        "PUT" => (
            json!({"name": before["name"], "project": before["project"], "description": "", "config": {}, "devices": {}}),
            asked,
        ),
        _ => {
            let merged = json!({"config": merged("config"), "devices": merged("devices"), "description": asked["description"]});
            (before.clone(), merged)
        }
    };
    lock(&world.profiles).put(key, with(base, &asked));
    apply_to_users(world, key);
    tell(world, "profile-updated", key, &Value::Null);
    Ok(envelope::done())
}

fn apply_to_users(world: &World, key: &Key) {
    let mut instances = lock(&world.instances);
    for (owner, instance) in
        instances.iter_mut().filter(|(owner, instance)| uses(world, owner, instance, key))
    {
        world.apply_profiles(&owner.0, instance);
    }
}

fn rename(world: &World, request: &Request, key: &Key) -> Answer {
    if key.1 == "default" {
        return Err(failure(403, "The \"default\" profile cannot be renamed"));
    }
    let name = body(request)?["name"].as_str().unwrap_or_default().to_owned();
    check_name(&name)?;
    let new = (key.0.clone(), name);
    let mut profiles = lock(&world.profiles);
    if profiles.find(&new).is_some() {
        return Err(failure(409, format!("Profile {:?} already exists", new.1)));
    }
    let mut document =
        profiles.find(key).ok_or_else(|| failure(404, format!("Profile {:?} doesn't exist", key.1)))?;
    document["name"] = new.1[..].into();
    profiles.remove(key);
    profiles.put(&new, document);
    drop(profiles);
    rename_in_users(world, key, &new);
    tell(world, "profile-renamed", &new, &json!({"old_name": key.1}));
    Ok(envelope::created(&format!("/1.0/profiles/{}", new.1)))
}

fn rename_in_users(world: &World, old: &Key, new: &Key) {
    let mut instances = lock(&world.instances);
    for (owner, instance) in
        instances.iter_mut().filter(|(owner, instance)| uses(world, owner, instance, old))
    {
        for name in instance.document["profiles"].as_array_mut().into_iter().flatten() {
            if *name == old.1[..] {
                *name = new.1[..].into();
            }
        }
        world.apply_profiles(&owner.0, instance);
    }
}

fn delete(world: &World, key: &Key) -> Answer {
    if key.1 == "default" {
        return Err(failure(403, "The \"default\" profile cannot be deleted"));
    }
    if lock(&world.profiles).find(key).is_none() {
        return Err(failure(404, "Profile not found"));
    }
    if !users(world, key).is_empty() {
        return Err(failure(400, "Profile is currently in use"));
    }
    lock(&world.profiles).remove(key);
    tell(world, "profile-deleted", key, &Value::Null);
    Ok(envelope::done())
}

/// The first name that no profile has.
pub(super) fn unknown(world: &World, project: &str, asked: &Value) -> Option<String> {
    let (home, profiles) = (world.home_of_profiles(project), lock(&world.profiles));
    let names = asked["profiles"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut names = names.map(|name| (home.clone(), name.to_owned()));
    names.find(|key| profiles.find(key).is_none()).map(|key| key.1)
}
