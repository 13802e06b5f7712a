//! `/1.0/instances/{name}/snapshots`, and restoring one.

use std::sync::Arc;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use super::common::{body, digest, expiry, not_implemented, recursion};
use super::envelope::{self, Answer, Failure, failure};
use super::generation::Generation;
use super::lifetime;
use super::world::{Draft, Instance, Key, NEVER, Snapshot, World, now, path};
use crate::testing::server::request::Request;

impl Instance {
    pub(super) fn snapshot(&self, name: &str) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.name() == name)
    }

    fn take_snapshot(&mut self, name: &str, expires_at: &str, asked: &Value) {
        let mut document = json!({
            "name": name, "created_at": now(), "last_used_at": NEVER, "size": -1,
            "expires_at": expires_at, "stateful": asked["stateful"] == true,
        });
        let kept = [
            "config",
            "devices",
            "profiles",
            "expanded_config",
            "expanded_devices",
            "ephemeral",
            "architecture",
        ];
        for key in kept {
            document[key] = self.document[key].clone();
        }
        self.snapshots.push(Snapshot { document, files: self.files.copy() });
    }

    /// Its profiles stay as they are.
    fn go_back(&mut self, world: &World, project: &str, name: &str) {
        let Some((document, files)) = self.snapshot(name).map(|s| (s.document.clone(), s.files.copy()))
        else {
            return;
        };
        let runs = self.is_up();
        self.halt();
        for key in ["config", "devices", "ephemeral"] {
            self.document[key] = document[key].clone();
        }
        world.apply_profiles(project, self);
        self.files = files;
        if runs {
            self.boot();
        }
    }
}

fn draft(description: &'static str, key: &Key, name: &str) -> Draft {
    let snapshot = format!("{}/snapshots/{name}", path(key));
    let resources = json!({"instances": [path(key)], "instances_snapshots": [snapshot]});
    Draft { description, project: key.0.clone(), resources, socket: None }
}

pub(super) fn missing(key: &Key, name: &str) -> Failure {
    let (project, instance) = key;
    let text = format!(
        "Failed to fetch snapshot \"{name}\" of instance \"{instance}\" in project \"{project}\": Instance_snapshot not found"
    );
    failure(404, text)
}

pub(super) fn collection(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    match request.method.as_str() {
        "GET" => list(world, request, key),
        "POST" => take(world, request, key),
        _ => not_implemented(),
    }
}

/// The list of names is empty if the instance doesn't exist.
fn list(world: &World, request: &Request, key: &Key) -> Answer {
    let full = recursion(request) > 0;
    let shown = world.with(key, |instance| {
        let entry = |snapshot: &Snapshot| match full {
            true => snapshot.document.clone(),
            false => format!("{}/snapshots/{}", path(key), snapshot.name()).into(),
        };
        instance.snapshots.iter().map(entry).collect::<Vec<Value>>()
    });
    let shown = if full { shown? } else { shown.unwrap_or_default() };
    Ok(envelope::sync(&Value::from(shown)))
}

fn take(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    let asked = body(request)?;
    let lifetime =
        world.with(key, |instance| instance.document["expanded_config"]["snapshots.expiry"].clone())?;
    let end = lifetime.as_str().and_then(|text| lifetime::end(Utc::now(), text));
    let end = end.map_or_else(|| NEVER.to_owned(), |end| end.to_rfc3339_opts(SecondsFormat::Nanos, true));
    let expires_at = expiry(&asked, &end)?;
    let name = world.with(key, |instance| name(instance, &asked))?;
    if name.contains('/') {
        let text = match world.generation {
            Generation::V6_0 => "Invalid snapshot name: Cannot contain \"/\"",
            Generation::V7_0 => "Invalid snapshot name: Name contains invalid character \"/\"",
        };
        return Err(failure(400, text));
    }
    let key = key.clone();
    Ok(world.launch(draft("Snapshotting instance", &key, &name), |world, _| async move {
        world.with(&key, |instance| check_new(world.generation, instance, &name, &asked))??;
        world.take_time(None).await;
        world.with(&key, |instance| instance.take_snapshot(&name, &expires_at, &asked))?;
        world.tell("instance-snapshot-created", &key, &json!({"snapshot": name}));
        Ok(())
    }))
}

/// The requested name, or `snap0`, `snap1` and so on.
fn name(instance: &Instance, asked: &Value) -> String {
    let given = asked["name"].as_str().filter(|given| !given.is_empty());
    let mut numbers = (0..).map(|number| format!("snap{number}"));
    let free = || numbers.find(|name| instance.snapshot(name).is_none()).unwrap_or_default();
    given.map(str::to_owned).unwrap_or_else(free)
}

fn check_new(generation: Generation, instance: &Instance, name: &str, asked: &Value) -> Result<(), Failure> {
    if asked["stateful"] == true && instance.document["config"]["migration.stateful"] != "true" {
        let text = "Stateful snapshots require that the instance has migration.stateful be set to true";
        return Err(failure(500, text));
    }
    if instance.snapshot(name).is_none() {
        return Ok(());
    }
    let why = match generation {
        Generation::V6_0 => {
            "Failed to create \"instances_snapshots\" entry: UNIQUE constraint failed: \
             instances_snapshots.instance_id, instances_snapshots.name"
        }
        Generation::V7_0 => "This \"Instance_snapshot\" entry already exists",
    };
    let text = format!(
        "Failed creating instance snapshot record \"{name}\": Add snapshot info to the database: {why}"
    );
    Err(failure(500, text))
}

pub(super) fn one(world: &Arc<World>, request: &Request, key: &Key, name: &str) -> Answer {
    let found = world.with(key, |instance| instance.snapshot(name).map(|found| found.document.clone()));
    let document = match (found, request.method.as_str()) {
        (Err(_), "GET") => {
            let text = format!(
                "Failed to fetch instance \"{}/{name}\" in project \"{}\": Instance not found",
                key.1, key.0
            );
            return Err(failure(404, text));
        }
        (found, _) => found?.ok_or_else(|| missing(key, name))?,
    };
    match request.method.as_str() {
        "GET" => Ok(envelope::sync(&document).header("Etag", format!("\"{}\"", etag(&document)))),
        "PUT" | "PATCH" => expire(world, request, key, &document),
        "POST" => rename(world, request, key, name),
        "DELETE" => Ok(change(
            world,
            "Deleting snapshot",
            "instance-snapshot-deleted",
            key,
            name,
            |instance, name| {
                instance.snapshots.retain(|snapshot| snapshot.name() != name);
            },
        )),
        _ => not_implemented(),
    }
}

fn etag(document: &Value) -> String {
    digest(document["expires_at"].to_string().as_bytes())
}

fn expire(world: &Arc<World>, request: &Request, key: &Key, document: &Value) -> Answer {
    let etag = etag(document);
    if let Some(given) =
        request.header("if-match").map(|given| given.trim_matches('"')).filter(|given| *given != etag)
    {
        return Err(failure(412, format!("ETag doesn't match: {etag} vs {given}")));
    }
    let when = expiry(&body(request)?, NEVER)?;
    let name = document["name"].as_str().unwrap_or_default();
    Ok(change(world, "Updating snapshot", "instance-snapshot-updated", key, name, move |instance, name| {
        if let Some(snapshot) = instance.snapshots.iter_mut().find(|snapshot| snapshot.name() == name) {
            snapshot.document["expires_at"] = when.into();
        }
    }))
}

fn rename(world: &Arc<World>, request: &Request, key: &Key, name: &str) -> Answer {
    let new = body(request)?["name"].as_str().unwrap_or_default().to_owned();
    if world.with(key, |instance| instance.snapshot(&new).is_some())? {
        return Err(failure(409, format!("Name '{}/{new}' already in use", key.1)));
    }
    Ok(change(world, "Renaming snapshot", "instance-snapshot-renamed", key, name, move |instance, name| {
        if let Some(snapshot) = instance.snapshots.iter_mut().find(|snapshot| snapshot.name() == name) {
            snapshot.document["name"] = new.into();
        }
    }))
}

fn change(
    world: &Arc<World>,
    description: &'static str,
    event: &'static str,
    key: &Key,
    name: &str,
    act: impl FnOnce(&mut Instance, &str) + Send + 'static,
) -> crate::testing::server::reply::Reply {
    let (draft, key, name) = (draft(description, key, name), key.clone(), name.to_owned());
    world.launch(draft, |world, _| async move {
        world.take_time(None).await;
        world.with(&key, |instance| act(instance, &name))?;
        world.tell(event, &key, &json!({"snapshot": name}));
        Ok(())
    })
}

/// `PUT /1.0/instances/{name}` with `restore`: the short name, or the full one, which the vendor's command sends.
pub(super) fn restore(world: &Arc<World>, key: &Key, name: &str, stateful: bool) -> Answer {
    let name = name.split_once('/').map_or(name, |(_, name)| name);
    let (key, name) = (key.clone(), name.to_owned());
    Ok(world.launch(super::world::draft("Restoring snapshot", &key), |world, _| async move {
        world.with(&key, |instance| check_way_back(instance, &key, &name, stateful))??;
        world.take_time(None).await;
        world.with(&key, |instance| instance.go_back(&world, &key.0, &name))?;
        world.tell("instance-restored", &key, &json!({"snapshot": name}));
        Ok(())
    }))
}

fn check_way_back(instance: &Instance, key: &Key, name: &str, stateful: bool) -> Result<(), Failure> {
    match instance.snapshot(name) {
        None => Err(failure(500, format!("Snapshot {}/{name} does not exist", key.1))),
        Some(snapshot) if stateful && snapshot.document["stateful"] != true => {
            Err(failure(500, "Stateful snapshot restore requested but snapshot is stateless"))
        }
        Some(_) => Ok(()),
    }
}
