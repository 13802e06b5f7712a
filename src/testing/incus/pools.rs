//! `/1.0/storage-pools`: the two pools, and the instances in them as volumes.

use serde_json::{Value, json};

use super::common::{lacking, project, recursion};
use super::envelope::{self, Answer, Failure, failure};
use super::generation::Generation;
use super::relocate::POOLS;
use super::world::{Instance, Key, Snapshot, World, in_project, url};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

pub(super) fn pools(world: &World, request: &Request, rest: &[&str]) -> Answer {
    if request.method != "GET" {
        return lacking(request);
    }
    if let [pool, ..] = rest {
        check(pool)?;
    }
    match rest {
        [] => Ok(list(world, request)),
        [pool] => Ok(envelope::sync(&document(world, pool))),
        [pool, "volumes"] => Ok(volumes(world, request, pool, None)),
        [pool, "volumes", kind] => Ok(volumes(world, request, pool, Some(kind))),
        [pool, "volumes", kind, name] => volume(world, request, pool, kind, name),
        _ => lacking(request),
    }
}

fn check(pool: &str) -> Result<(), Failure> {
    match POOLS.contains(&pool) {
        true => Ok(()),
        false => Err(failure(404, "Storage pool not found")),
    }
}

fn list(world: &World, request: &Request) -> Reply {
    let shown = POOLS.map(|pool| match recursion(request) {
        0 => format!("/1.0/storage-pools/{pool}").into(),
        _ => document(world, pool),
    });
    envelope::sync(&shown.to_vec().into())
}

fn is_in(instance: &Instance, pool: &str) -> bool {
    instance.document["expanded_devices"]["root"]["pool"] == pool
}

fn document(world: &World, pool: &str) -> Value {
    let instances = lock(&world.instances);
    let mine = instances.iter().filter(|(_, instance)| is_in(instance, pool)).map(|(key, _)| url(key));
    let profiles = world
        .all_profiles()
        .into_iter()
        .filter(|key| is_on(world, key, pool))
        .map(|key| in_project(&key.0, format!("/1.0/profiles/{}", key.1)));
    json!({
        "name": pool, "description": "", "driver": "dir", "status": "Created", "locations": ["none"],
        "config": {"source": format!("/var/lib/incus/storage-pools/{pool}")},
        "used_by": mine.chain(profiles).collect::<Vec<_>>(),
    })
}

/// Whether a profile has a disk on a pool.
fn is_on(world: &World, profile: &Key, pool: &str) -> bool {
    let document = lock(&world.profiles).find(profile).unwrap_or_default();
    let mut devices = document["devices"].as_object().into_iter().flatten();
    devices.any(|(_, device)| device["type"] == "disk" && device["pool"] == pool)
}

fn as_volume(key: &Key, instance: &Instance) -> Value {
    json!({
        "name": key.1, "type": instance.document["type"], "content_type": "filesystem", "config": {},
        "description": "", "used_by": [url(key)], "location": "none", "project": key.0,
        "created_at": instance.document["created_at"],
    })
}

fn snapshot_as_volume(key: &Key, instance: &Instance, snapshot: &Snapshot) -> Value {
    let mut volume = as_volume(key, instance);
    volume["name"] = format!("{}/{}", key.1, snapshot.name()).into();
    volume["created_at"] = snapshot.document["created_at"].clone();
    volume["used_by"] = json!([]);
    volume
}

/// Instances and their snapshots, in the order of their names.
fn volumes(world: &World, request: &Request, pool: &str, kind: Option<&str>) -> Reply {
    let project = project(request);
    let instances = lock(&world.instances);
    let mine = instances.iter().filter(|(key, instance)| {
        key.0 == project && is_in(instance, pool) && kind.is_none_or(|kind| instance.document["type"] == kind)
    });
    // 7.0 doesn't list snapshots.
    let with_snapshots = world.generation == Generation::V6_0;
    let all = mine.flat_map(|(key, instance)| {
        let snapshots = instance.snapshots.iter().filter(|_| with_snapshots);
        let snapshots = snapshots.map(|snapshot| snapshot_as_volume(key, instance, snapshot));
        std::iter::once(as_volume(key, instance)).chain(snapshots).collect::<Vec<_>>()
    });
    let shown: Vec<Value> = match recursion(request) {
        0 => all.map(|volume| address(pool, &volume).into()).collect(),
        _ => all.collect(),
    };
    envelope::sync(&shown.into())
}

fn address(pool: &str, volume: &Value) -> String {
    let text = |key: &str| volume[key].as_str().unwrap_or_default();
    let name = text("name").replace('/', "/snapshots/");
    format!("/1.0/storage-pools/{pool}/volumes/{}/{name}", text("type"))
}

fn volume(world: &World, request: &Request, pool: &str, kind: &str, name: &str) -> Answer {
    let key = (project(request), name.to_owned());
    let instances = lock(&world.instances);
    let found = instances.get(&key).filter(|instance| is_in(instance, pool));
    let found = found.filter(|instance| instance.document["type"] == kind);
    let found = found.ok_or_else(|| failure(404, "Storage pool volume not found"))?;
    Ok(envelope::sync(&as_volume(&key, found)))
}
