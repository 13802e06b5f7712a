//! Instances copied from others, here or on another server.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::building::launch_at;
use super::envelope::{Answer, Failure, failure};
use super::world::{Draft, Instance, Key, Snapshot, World, documents, path};
use super::{offers, snapshots};
use crate::testing::server::reply::Reply;
use crate::testing::server::tasks::lock;

/// The instance or snapshot that is copied.
#[derive(Debug)]
struct Original {
    key: Key,
    snapshot: Option<String>,
}

impl Original {
    fn parse(asked: &Value, project: &str) -> Result<Original, Failure> {
        let source = &asked["source"];
        let text = |key: &str| source[key].as_str().filter(|given| !given.is_empty());
        let given = text("source").ok_or_else(|| failure(400, "Must specify a source instance"))?;
        let project = text("project").unwrap_or(project).to_owned();
        let (name, snapshot) = match given.split_once('/') {
            Some((name, snapshot)) => (name, Some(snapshot.to_owned())),
            None => (given, None),
        };
        Ok(Original { key: (project, name.to_owned()), snapshot })
    }

    /// Its path in operations.
    fn url(&self) -> String {
        let snapshot = self.snapshot.iter().map(|name| format!("%2F{name}"));
        path(&self.key) + &snapshot.collect::<String>()
    }

    fn read(&self, world: &World, alone: bool) -> Result<Instance, Failure> {
        world.with(&self.key, |instance| match &self.snapshot {
            None => Ok(instance.copy(!alone)),
            Some(name) => instance.as_of(name).ok_or_else(|| snapshots::missing(&self.key, name)),
        })?
    }
}

impl Instance {
    /// A stopped copy without backups, and without snapshots unless `whole`.
    pub(super) fn copy(&self, whole: bool) -> Instance {
        let mut copy = Instance::new(self.document.clone());
        copy.set_status("Stopped", 102);
        copy.files = self.files.copy();
        copy.about = self.about.clone();
        if whole {
            copy.snapshots = self.snapshots.iter().map(Snapshot::copy).collect();
        }
        copy
    }

    /// The instance at the time of a snapshot.
    fn as_of(&self, snapshot: &str) -> Option<Instance> {
        let found = self.snapshot(snapshot)?;
        let mut copy = self.copy(false);
        for key in ["config", "devices", "profiles"] {
            copy.document[key] = found.document[key].clone();
        }
        copy.files = found.files.copy();
        Some(copy)
    }

    /// Makes the document that of a copy, with what the request changes.
    fn become_new(&mut self, key: &Key, asked: &Value) {
        let merge = |name: &str, keep: fn(&String) -> bool, document: &Value| {
            let mut merged: Map<String, Value> = document[name].as_object().cloned().unwrap_or_default();
            merged.retain(|key, _| keep(key));
            merged.extend(asked[name].as_object().cloned().unwrap_or_default());
            Value::Object(merged)
        };
        let lasting = |key: &String| !key.starts_with("volatile.") || key == "volatile.base_image";
        let mut wanted = asked.clone();
        wanted["config"] = merge("config", lasting, &self.document);
        wanted["devices"] = merge("devices", |_| true, &self.document);
        for key in ["profiles", "type"] {
            if wanted[key].is_null() || wanted[key] == "" {
                wanted[key] = self.document[key].clone();
            }
        }
        self.document = documents::instance(&key.1, &key.0, &wanted, None);
    }
}

fn draft(key: &Key, original: &Original) -> Draft {
    let resources = json!({"instances": [path(key), original.url()]});
    Draft { description: "Creating instance", project: key.0.clone(), resources, socket: None }
}

pub(super) fn copy(world: &Arc<World>, key: &Key, asked: Value, place: &str) -> Answer {
    let original = Original::parse(&asked, &key.0)?;
    let read = original.read(world, asked["source"]["instance_only"] == true)?;
    if asked["source"]["refresh"] == true && world.exists(key) {
        return Ok(refresh(world, key, &original, read));
    }
    Ok(record(world, draft(key, &original), key, asked, place, read))
}

/// Adds the instance, which is visible at once, and then waits.
fn record(
    world: &Arc<World>,
    draft: Draft,
    key: &Key,
    asked: Value,
    place: &str,
    mut instance: Instance,
) -> Reply {
    let key = key.clone();
    launch_at(world, place, draft, |world, _| {
        instance.become_new(&key, &asked);
        instance.document["location"] = place.into();
        world.apply_profiles(&key.0, &mut instance);
        let recorded = world.add_new(&key, instance);
        async move {
            recorded?;
            world.take_time(None).await;
            world.document(&key)?;
            world.start_if(asked["start"] == true, &key)
        }
    })
}

fn refresh(world: &Arc<World>, key: &Key, original: &Original, read: Instance) -> Reply {
    let key = key.clone();
    world.launch(draft(&key, original), |world, _| async move {
        if world.with(&key, |instance| instance.is_up())? {
            return Err(failure(
                500,
                "Failed getting exclusive access to target instance: Instance is running",
            ));
        }
        world.take_time(None).await;
        world.with(&key, |instance| {
            instance.files = read.files.copy();
            instance.snapshots = read.snapshots;
        })
    })
}

/// A migration in pull mode from another fake in this process.
pub(super) fn fetch(world: &Arc<World>, key: &Key, asked: Value, place: &str) -> Answer {
    if asked["architecture"].as_str().unwrap_or_default().is_empty() {
        return Err(failure(400, "Architecture isn't supported: "));
    }
    let key = key.clone();
    let draft = super::world::draft("Creating instance", &key);
    let text = |field: &str| asked["source"][field].as_str().unwrap_or_default().to_owned();
    let (operation, secrets) = (text("operation"), asked["source"]["secrets"].clone());
    let place = place.to_owned();
    Ok(launch_at(world, &place.clone(), draft, |world, _| {
        let mut document = documents::instance(&key.1, &key.0, &asked, None);
        document["location"] = place.into();
        let mut instance = Instance::new(document);
        world.apply_profiles(&key.0, &mut instance);
        let recorded = world.add_new(&key, instance);
        async move {
            recorded?;
            world.take_time(None).await;
            match offers::take(&operation, &secrets) {
                Some(read) => world.with(&key, |instance| {
                    instance.files = read.files.copy();
                    instance.about = read.about.clone();
                    instance.snapshots = read.snapshots;
                }),
                None => {
                    lock(&world.instances).remove(&key);
                    let text = "Error transferring instance data: Failed waiting for migration control connection on \
                         target: websocket: bad handshake";
                    Err(failure(500, text))
                }
            }
        }
    }))
}
