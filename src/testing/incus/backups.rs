//! `/1.0/instances/{name}/backups`, their files, and instances restored from them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use super::common::{body, expiry, not_implemented, project, query, recursion, uuid};
use super::envelope::{self, Answer, Failure, failure};
use super::files::raw;
use super::generation::Generation;
use super::world::{Backup, Draft, Instance, Key, NEVER, World, path};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// The content of backup files, for all fakes of this process: a file can be moved from one to another.
static SAVED: Mutex<BTreeMap<String, Saved>> = Mutex::new(BTreeMap::new());

#[derive(Debug)]
struct Saved {
    name: String,
    instance: Instance,
    file: Bytes,
}

/// The start of every backup file, which Incus recognizes as compressed.
const MAGIC: &[u8] = b"\x1f\x8bwindlass-backup ";

/// An id, padding, and the files of the instance, so that a large instance has a large backup.
fn write(key: &Key, instance: &Instance) -> Bytes {
    let id = uuid();
    let file: Bytes = [MAGIC, id.as_bytes(), &[0; 4096], &instance.files.content()].concat().into();
    let saved = Saved { name: key.1.clone(), instance: instance.copy(true), file: file.clone() };
    lock(&SAVED).insert(id, saved);
    file
}

fn draft(description: &'static str, key: &Key, made: Option<&str>) -> Draft {
    let mut resources = json!({"instances": [path(key)]});
    if let Some(name) = made {
        resources["backups"] = json!([format!("{}/backups/{name}", path(key))]);
    }
    Draft { description, project: key.0.clone(), resources, socket: None }
}

pub(super) fn collection(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    match request.method.as_str() {
        "GET" => list(world, request, key),
        "POST" => make(world, request, key),
        _ => not_implemented(),
    }
}

fn list(world: &World, request: &Request, key: &Key) -> Answer {
    let full = recursion(request) > 0;
    let shown = world.with(key, |instance| {
        let entry = |(name, backup): (&String, &Backup)| match full {
            true => backup.document.clone(),
            false => format!("{}/backups/{name}", path(key)).into(),
        };
        instance.backups.iter().map(entry).collect::<Vec<Value>>()
    })?;
    Ok(envelope::sync(&Value::from(shown)))
}

fn make(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    let asked = body(request)?;
    let expires_at = expiry(&asked, NEVER)?;
    let name = world.with(key, |instance| name(instance, &asked))?;
    if name.contains('/') {
        return Err(failure(400, "Backup names may not contain slashes"));
    }
    let way = asked["compression_algorithm"].as_str().unwrap_or_default();
    if !matches!(way, "" | "none" | "gzip" | "bzip2" | "lzma" | "xz" | "zstd") {
        return Err(failure(400, format!("Compression algorithm \"{way}\" isn't currently supported")));
    }
    let key = key.clone();
    Ok(world.launch(draft("Backing up instance", &key, Some(&name)), |world, _| async move {
        if world.with(&key, |instance| instance.backups.contains_key(&name))? {
            let newer = world.generation == Generation::V7_0;
            let prefix = if newer { "" } else { "Create backup: " };
            return Err(failure(500, format!("{prefix}Backup \"{}/{name}\" already exists", key.1)));
        }
        world.take_time(None).await;
        world.with(&key, |instance| {
            let file = Some(write(&key, instance));
            instance
                .backups
                .insert(name.clone(), Backup { document: document(&name, &expires_at, &asked), file });
        })?;
        world.tell("instance-backup-created", &key, &json!({"backup": name}));
        Ok(())
    }))
}

/// The requested name, or `backup0`, `backup1` and so on.
fn name(instance: &Instance, asked: &Value) -> String {
    let given = asked["name"].as_str().filter(|given| !given.is_empty());
    let mut numbers = (0..).map(|number| format!("backup{number}"));
    let free = || numbers.find(|name| !instance.backups.contains_key(name)).unwrap_or_default();
    given.map(str::to_owned).unwrap_or_else(free)
}

/// Whole seconds, unlike everywhere else.
fn document(name: &str, expires_at: &str, asked: &Value) -> Value {
    json!({
        "name": name, "created_at": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        "expires_at": expires_at,
        "instance_only": asked["instance_only"] == true, "optimized_storage": asked["optimized_storage"] == true,
    })
}

fn missing() -> Failure {
    failure(404, "Instance backup not found")
}

pub(super) fn one(world: &Arc<World>, request: &Request, key: &Key, name: &str) -> Answer {
    let document =
        world.with(key, |instance| instance.backups.get(name).map(|backup| backup.document.clone()))?;
    let document = document.ok_or_else(missing)?;
    let (key, name) = (key.clone(), name.to_owned());
    match request.method.as_str() {
        "GET" => Ok(envelope::sync(&document)),
        "POST" => rename(world, request, key, name),
        "DELETE" => Ok(world.launch(draft("Removing instance backup", &key, None), |world, _| async move {
            world.take_time(None).await;
            world.with(&key, |instance| instance.backups.remove(&name))?;
            world.tell("instance-backup-deleted", &key, &json!({"backup": name}));
            Ok(())
        })),
        _ => not_implemented(),
    }
}

/// With a name that is taken, two backups are lost: the file is moved before the database refuses.
fn rename(world: &Arc<World>, request: &Request, key: Key, name: String) -> Answer {
    let new = body(request)?["name"].as_str().unwrap_or_default().to_owned();
    Ok(world.launch(draft("Renaming instance backup", &key, None), |world, _| async move {
        world.take_time(None).await;
        world.with(&key, |instance| {
            let file = instance.backups.get_mut(&name).and_then(|backup| backup.file.take());
            if let Some(other) = instance.backups.get_mut(&new) {
                other.file = file;
                let text = "UNIQUE constraint failed: instances_backups.instance_id, instances_backups.name";
                return Err(failure(500, text));
            }
            if let Some(mut backup) = instance.backups.remove(&name) {
                backup.document["name"] = new.clone().into();
                instance.backups.insert(new.clone(), Backup { file, ..backup });
            }
            Ok(())
        })??;
        world.tell("instance-backup-renamed", &key, &json!({"backup": new}));
        Ok(())
    }))
}

pub(super) fn export(world: &World, request: &Request, key: &Key, name: &str) -> Answer {
    if request.method != "GET" {
        return not_implemented();
    }
    let found = world.with(key, |instance| {
        let backup = instance.backups.get(name)?;
        let made = backup.document["created_at"].as_str().and_then(|made| made.parse().ok());
        Some((backup.file.clone(), made.unwrap_or_default()))
    })?;
    let (file, made) = found.ok_or_else(missing)?;
    let gone = || {
        let path = format!("/var/lib/incus/backups/instances/{}/{name}", key.1);
        failure(404, format!("open {path}: no such file or directory"))
    };
    Ok(raw(request, "", file.ok_or_else(gone)?, made))
}

/// `POST /1.0/instances` with a tarball.
pub(super) fn import(world: &Arc<World>, request: &Request) -> Answer {
    let file = request.body.clone();
    let id = file
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.get(..36))
        .map(|id| String::from_utf8_lossy(id).into_owned());
    let original = id.as_ref().and_then(|id| lock(&SAVED).get(id).map(|saved| saved.name.clone()));
    let (Some(id), Some(original)) = (id, original) else {
        return Err(failure(500, "Unsupported compression"));
    };
    if request.header("x-incus-pool").is_some_and(|pool| !super::relocate::POOLS.contains(&pool)) {
        return Err(failure(500, "Storage pool not found: Storage pool not found"));
    }
    let name = request.header("x-incus-name").filter(|name| !name.is_empty()).unwrap_or(&original);
    let key = (project(request), name.to_owned());
    let config = request.header("x-incus-config").filter(|_| world.generation == Generation::V7_0);
    let config = query(config.unwrap_or_default());
    Ok(world.launch(draft("Restoring backup", &key, None), |world, _| async move {
        if world.exists(&key) {
            return Err(failure(
                500,
                "Create instance from backup: Cannot restore volume, already exists on target",
            ));
        }
        world.take_time(None).await;
        let mut restored = unpack(&id, &file)?;
        restored.document["name"] = key.1.clone().into();
        restored.document["project"] = key.0.clone().into();
        for (name, value) in config {
            restored.document["config"][name] = value.into();
        }
        world.apply_profiles(&key.0, &mut restored);
        lock(&world.instances).insert(key.clone(), restored);
        world.tell("instance-created", &key, &Value::Null);
        Ok(())
    }))
}

fn unpack(id: &str, file: &Bytes) -> Result<Instance, Failure> {
    let saved = lock(&SAVED);
    let saved = saved.get(id).filter(|saved| saved.file == *file);
    let broken = "Create instance from backup: Error starting unpack: Failed to run: tar: exit status 2 (gzip: stdin: \
        unexpected end of file\ntar: Unexpected EOF in archive)";
    saved.map(|saved| saved.instance.copy(true)).ok_or_else(|| failure(500, broken))
}
