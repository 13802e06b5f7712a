//! Uploads, and the artifacts made from them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, nothing, options, text};
use super::asked::Asked;
use super::state::{Data, is_visible, now, uuid};
use crate::testing::server::reply::Reply;

/// How much a truncation may add.
const MOST_ADDED: usize = 1 << 30;

/// `POST /upload`.
pub(super) fn begin(asked: &Asked<'_>) -> Answer {
    options(asked.request, "UploadCreateEndpoint", &[])?;
    let uuid = uuid();
    asked.world.data().uploads.insert(uuid.clone(), Vec::new());
    Ok(data(&json!({
        "uuid": uuid, "state": "created", "metadata": {}, "version": 3, "node": "localhost", "created_at": now()
    })))
}

/// `POST /upload/{upload_uuid}`.
pub(super) fn append(asked: &Asked<'_>, uuid: &str) -> Answer {
    let mut all = asked.world.data();
    let upload = all.uploads.get_mut(uuid).ok_or_else(|| not_found("upload"))?;
    upload.extend_from_slice(&asked.request.body);
    Ok(data(&upload.len().into()))
}

/// `POST /upload/{upload_uuid}/truncate/{offset}`. An upload without content has no file: a bug of
/// the server.
pub(super) fn truncate(asked: &Asked<'_>, uuid: &str, to: &str) -> Answer {
    let mut all = asked.world.data();
    let upload = all.uploads.get_mut(uuid).ok_or_else(|| not_found("upload"))?;
    let to: usize = to.parse().map_err(|_| failure(500, "server error: ValueError"))?;
    // A real file may grow this way; here it is in memory.
    if to > upload.len().saturating_add(MOST_ADDED) {
        return Err(failure(500, "server error: OSError(27, 'File too large')"));
    }
    if upload.is_empty() {
        return Err(failure(500, "server error: FileNotFoundError(2, 'No such file or directory')"));
    }
    upload.resize(to, 0);
    Ok(nothing())
}

/// `POST /artifacts/upload/{artifact_name}`.
pub(super) fn convert(asked: &Asked<'_>, name: &str) -> Answer {
    let known = ["upload_uuid", "blob_uuid", "source_url", "shared", "namespace", "artifact_type"];
    let options = options(asked.request, "ArtifactUploadEndpoint", &known)?;
    let (upload, blob) = (text(&options, "upload_uuid"), text(&options, "blob_uuid"));
    let kind = text(&options, "artifact_type").unwrap_or("image");
    if upload.is_some() && blob.is_some() {
        return Err(failure(400, "only specify one of upload_uuid and blob_uuid"));
    }
    if !["image", "other"].contains(&kind) {
        return Err(failure(403, "invalid artifact type specified"));
    }
    let shared = options.get("shared").and_then(Value::as_bool).unwrap_or_default();
    if shared && asked.namespace != "system" {
        return Err(failure(403, "only the system namespace can create shared artifacts"));
    }
    let mut all = asked.world.data();
    let blob = content(&mut all, upload, blob)?;
    let made = format!("sf://upload/{}/{name}", asked.namespace);
    let source = text(&options, "source_url").unwrap_or(&made);
    let size = all.blobs.get(&blob).map_or(0, |blob| blob.bytes.len());
    let version = json!({ "uuid": blob, "size": size, "reference_count": 1, "depends_on": null });
    let same = |artifact: &&mut Value| artifact["source_url"] == source && artifact["state"] != "deleted";
    let artifact = match all.artifacts.values_mut().find(same) {
        Some(artifact) => next_version(artifact, version),
        None => {
            let uuid = uuid();
            let artifact = json!({
                "uuid": uuid, "state": "created", "metadata": {}, "version": 6, "artifact_type": kind, "name": name,
                "source_url": source, "max_versions": 3, "namespace": asked.namespace, "shared": shared,
                "blob_uuid": blob, "index": 1, "blobs": { "1": version }
            });
            all.artifacts.insert(uuid, artifact.clone());
            artifact
        }
    };
    Ok(Reply { status: all.knobs.accepted, ..data(&artifact) })
}

/// The blob that the request names, or a new one from its upload.
fn content(all: &mut Data, upload: Option<&str>, blob: Option<&str>) -> Result<String, Failure> {
    match (upload, blob) {
        (Some(upload), _) => {
            let bytes = all.uploads.remove(upload).ok_or_else(|| not_found("upload"))?;
            Ok(all.add_blob(Bytes::from(bytes)))
        }
        (None, Some(blob)) if all.blobs.contains_key(blob) => Ok(blob.to_owned()),
        (None, Some(_)) => Err(not_found("blob")),
        (None, None) => Err(failure(500, "server error: AttributeError")),
    }
}

/// Adds a version to an artifact.
fn next_version(artifact: &mut Value, version: Value) -> Value {
    let index = artifact["index"].as_i64().unwrap_or_default() + 1;
    artifact["index"] = index.into();
    artifact["blob_uuid"] = version["uuid"].clone();
    artifact["blobs"][index.to_string()] = version;
    artifact.clone()
}

/// `GET /artifacts`.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    options(asked.request, "ArtifactsEndpoint", &["node"])?;
    let all = asked.world.data();
    let shown = all.artifacts.values().filter(|artifact| is_there(artifact, &asked.namespace));
    Ok(data(&json!(shown.collect::<Vec<_>>())))
}

fn is_there(artifact: &Value, namespace: &str) -> bool {
    artifact["state"] != "deleted" && (is_visible(artifact, namespace) || artifact["shared"] == true)
}

fn is_named(artifact: &Value, reference: &str) -> bool {
    artifact["uuid"] == reference || artifact["name"] == reference || artifact["source_url"] == reference
}

/// `GET /artifacts/{artifact_ref}`.
pub(super) fn get(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "ArtifactEndpoint", &[])?;
    let all = asked.world.data();
    let mut there = all.artifacts.values().filter(|artifact| is_there(artifact, &asked.namespace));
    let found = there.find(|artifact| is_named(artifact, reference));
    Ok(data(found.ok_or_else(|| not_found("artifact"))?))
}

/// `DELETE /artifacts/{artifact_ref}`: its blobs are removed when nothing else uses them.
pub(super) fn delete(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "ArtifactEndpoint", &[])?;
    let mut all = asked.world.data();
    let mut there = all.artifacts.values_mut().filter(|artifact| is_there(artifact, &asked.namespace));
    let found = there.find(|artifact| is_named(artifact, reference)).ok_or_else(|| not_found("artifact"))?;
    found["state"] = "deleted".into();
    let (shown, blob) = (found.clone(), found["blob_uuid"].as_str().unwrap_or_default().to_owned());
    let used = all.artifacts.values().any(|other| other["state"] != "deleted" && other["blob_uuid"] == *blob);
    if !used {
        all.blobs.remove(&blob);
    }
    Ok(data(&shown))
}
