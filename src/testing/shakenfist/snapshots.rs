//! Snapshots of disks: versions of artifacts, made in the background.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{Answer, data, options, text};
use super::asked::Asked;
use super::state::{World, must_be_created, uuid};
use crate::testing::server::reply::Reply;

/// `GET …/snapshot`: those whose blob exists.
pub(super) fn list(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceSnapshotEndpoint", &[])?;
    let all = asked.world.data();
    let instance = all.find(reference, &asked.namespace)?;
    let prefix = format!("sf://instance/{instance}/");
    let own = all.artifacts.values().filter(|artifact| {
        artifact["artifact_type"] == "snapshot"
            && artifact["source_url"].as_str().is_some_and(|url| url.starts_with(&prefix))
    });
    let mut shown = Vec::new();
    for artifact in own {
        let versions = artifact["blobs"].as_object().into_iter().flat_map(Map::values);
        for blob in versions.filter_map(|version| all.blobs.get(version["uuid"].as_str()?)) {
            shown.push(merged(artifact, &blob.document));
        }
    }
    Ok(data(&json!(shown)))
}

/// The members of the artifact, overridden by those of the blob.
fn merged(artifact: &Value, blob: &Value) -> Value {
    let mut shown = artifact.clone();
    for (key, value) in blob.as_object().into_iter().flatten().filter(|(key, _)| *key != "uuid") {
        shown[key] = value.clone();
    }
    shown["blob_uuid"] = blob["uuid"].clone();
    for key in ["blobs", "index", "name"] {
        shown.as_object_mut().map(|members| members.remove(key));
    }
    shown
}

/// `POST …/snapshot`: a device that doesn't exist is left out without an error.
pub(super) fn take(asked: &Asked<'_>, reference: &str) -> Answer {
    let options =
        options(asked.request, "InstanceSnapshotEndpoint", &["all", "device", "max_versions", "thin"])?;
    let mut all = asked.world.data();
    let instance = all.find(reference, &asked.namespace)?;
    let target = all.instance(&instance)?;
    must_be_created(&target.document)?;
    asked.note(target, "snapshot", json!({}));
    let document = target.document.clone();
    let kept = options.get("max_versions").and_then(Value::as_i64).filter(|most| *most > 0).unwrap_or(3);
    let (mut begun, mut work) = (Map::new(), Vec::new());
    for device in devices(&document, &options) {
        let url = format!("sf://instance/{instance}/{device}");
        let there = all.artifacts.iter().find(|(_, it)| it["source_url"] == *url && it["state"] != "deleted");
        let artifact = there.map_or_else(uuid, |(uuid, _)| uuid.clone());
        let record = all.artifacts.entry(artifact.clone()).or_insert_with(|| {
            json!({
                "uuid": artifact, "state": "initial", "metadata": {}, "version": 6, "artifact_type": "snapshot",
                "name": format!("{instance}/{device}"), "source_url": url, "max_versions": kept,
                "namespace": document["namespace"], "shared": false, "blob_uuid": null, "index": 0, "blobs": {}
            })
        });
        record["max_versions"] = kept.into();
        let blob = uuid();
        begun.insert(
            device.to_owned(),
            json!({ "source_url": url, "artifact_uuid": artifact, "blob_uuid": blob }),
        );
        work.push((artifact, blob, format!("{device} of {instance}")));
    }
    let status = all.knobs.accepted;
    drop(all);
    let world = asked.world.clone();
    asked.world.work.spawn(async move {
        world.step().await;
        work.into_iter().for_each(|(artifact, blob, disk)| capture(&world, &artifact, &blob, &disk));
    });
    Ok(Reply { status, ..data(&Value::Object(begun)) })
}

/// The devices that a request asks for.
fn devices<'a>(document: &'a Value, options: &Map<String, Value>) -> Vec<&'a str> {
    let disks = document["disks"].as_array().into_iter().flatten();
    let disks = disks.filter(|disk| disk["snapshot_ignores"] != true);
    let mut devices: Vec<&str> = disks.filter_map(|disk| disk["device"].as_str()).collect();
    if document["uefi"] == true {
        devices.push("nvram");
    }
    let whole = options.get("all").and_then(Value::as_bool).unwrap_or_default();
    match text(options, "device") {
        Some(wanted) => devices.retain(|device| *device == wanted),
        None if !whole => devices.truncate(1),
        None => {}
    }
    devices
}

/// Creates the blob, and removes the oldest version beyond the limit.
fn capture(world: &Arc<World>, artifact: &str, blob: &str, disk: &str) {
    let mut all = world.data();
    if all.artifacts.get(artifact).is_none_or(|record| record["state"] == "deleted") {
        return;
    }
    let bytes = Bytes::from(format!("the disk {disk}\n"));
    let size = bytes.len();
    all.add_blob_as(blob.to_owned(), bytes);
    let Some(record) = all.artifacts.get_mut(artifact) else { return };
    let index = record["index"].as_i64().unwrap_or_default() + 1;
    record["state"] = "created".into();
    record["index"] = index.into();
    record["blob_uuid"] = blob.into();
    record["blobs"][index.to_string()] = json!({ "uuid": blob, "size": size, "depends_on": null });
    let oldest = index - record["max_versions"].as_i64().unwrap_or_default();
    record["blobs"].as_object_mut().map(|versions| versions.remove(&oldest.to_string()));
}
