//! Uploads, and the artifacts made from them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, nothing, only_one, options, text};
use super::asked::Asked;
use super::blobs;
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
    let odd = |_| {
        let why = format!("invalid literal for int() with base 10: '{to}'");
        failure(500, format!("server error: ValueError(\"{why}\")"))
    };
    let to: usize = to.parse().map_err(odd)?;
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
    let mut all = asked.world.data();
    if upload.is_some_and(|upload| !all.uploads.contains_key(upload)) {
        return Err(not_found("upload"));
    }
    let made = format!("sf://upload/{}/{name}", asked.namespace);
    let source = text(&options, "source_url").unwrap_or(&made);
    // From here on, a refusal leaves an artifact without content behind.
    let artifact = record(&mut all, &asked.namespace, name, kind, source);
    let shared = options.get("shared").and_then(Value::as_bool).unwrap_or_default();
    if shared && asked.namespace != "system" {
        return Err(failure(403, "only the system namespace can create shared artifacts"));
    }
    let blob = content(&mut all, upload, blob)?;
    let size = all.blobs.get(&blob).map_or(0, |blob| blob.bytes.len());
    let version = json!({ "uuid": blob, "size": size, "depends_on": null });
    if let Some(artifact) = all.artifacts.get_mut(&artifact) {
        artifact["shared"] = (shared || artifact["shared"] == true).into();
        next_version(artifact, version);
    }
    let artifact = all.artifacts.get(&artifact).ok_or_else(|| not_found("artifact"))?;
    Ok(Reply { status: all.knobs.accepted, ..data(&shown(&all, artifact)) })
}

/// The artifact with this source, or a new one; its UUID.
fn record(all: &mut Data, namespace: &str, name: &str, kind: &str, source: &str) -> String {
    let same = |artifact: &Value| {
        artifact["source_url"] == source
            && artifact["namespace"] == namespace
            && artifact["state"] != "deleted"
    };
    if let Some((uuid, _)) = all.artifacts.iter().find(|(_, artifact)| same(artifact)) {
        return uuid.clone();
    }
    let uuid = uuid();
    let artifact = json!({
        "uuid": uuid, "state": "initial", "metadata": {}, "version": 6, "artifact_type": kind, "name": name,
        "source_url": source, "max_versions": 3, "namespace": namespace, "shared": false, "index": 0, "blobs": {}
    });
    all.artifacts.insert(uuid.clone(), artifact);
    uuid
}

/// An artifact as the server shows it. Its name is only known inside.
fn shown(all: &Data, artifact: &Value) -> Value {
    let mut artifact = artifact.clone();
    artifact.as_object_mut().map(|members| members.remove("name"));
    for version in artifact["blobs"].as_object_mut().into_iter().flat_map(|versions| versions.values_mut()) {
        let blob = version["uuid"].as_str().unwrap_or_default().to_owned();
        version["reference_count"] = blobs::references(all, &blob).into();
    }
    artifact
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
fn next_version(artifact: &mut Value, version: Value) {
    let index = artifact["index"].as_i64().unwrap_or_default() + 1;
    artifact["index"] = index.into();
    artifact["blob_uuid"] = version["uuid"].clone();
    artifact["blobs"][index.to_string()] = version;
    artifact["state"] = "created".into();
}

/// `GET /artifacts`.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    options(asked.request, "ArtifactsEndpoint", &["node"])?;
    let all = asked.world.data();
    let there = all.artifacts.values().filter(|artifact| is_there(artifact, &asked.namespace));
    Ok(data(&there.map(|artifact| shown(&all, artifact)).collect()))
}

fn is_there(artifact: &Value, namespace: &str) -> bool {
    artifact["state"] != "deleted" && (is_visible(artifact, namespace) || artifact["shared"] == true)
}

/// The UUID of an artifact, by that or by its name.
fn find(all: &Data, reference: &str, namespace: &str) -> Result<String, Failure> {
    let named = |artifact: &Value| artifact["uuid"] == reference || artifact["name"] == reference;
    let found = all.artifacts.iter().filter(|(_, artifact)| is_there(artifact, namespace) && named(artifact));
    only_one(found.map(|(uuid, _)| uuid), "artifact", reference, namespace)?
        .ok_or_else(|| not_found("artifact"))
}

/// `GET /artifacts/{artifact_ref}`.
pub(super) fn get(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "ArtifactEndpoint", &[])?;
    let all = asked.world.data();
    let found = all.artifacts.get(&find(&all, reference, &asked.namespace)?);
    let mut artifact = shown(&all, found.ok_or_else(|| not_found("artifact"))?);
    for version in artifact["blobs"].as_object_mut().into_iter().flat_map(|versions| versions.values_mut()) {
        let blob = version["uuid"].as_str().unwrap_or_default().to_owned();
        version["instances"] = blobs::users(&all, &blob).into();
    }
    Ok(data(&artifact))
}

/// `DELETE /artifacts/{artifact_ref}`: its blobs are removed when nothing else uses them.
pub(super) fn delete(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "ArtifactEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = find(&all, reference, &asked.namespace)?;
    let found = all.artifacts.get_mut(&uuid).ok_or_else(|| not_found("artifact"))?;
    found["state"] = "deleted".into();
    let (deleted, blob) = (found.clone(), found["blob_uuid"].as_str().unwrap_or_default().to_owned());
    let shown = shown(&all, &deleted);
    let used = all.artifacts.values().any(|other| other["state"] != "deleted" && other["blob_uuid"] == *blob);
    if !used {
        all.blobs.remove(&blob);
    }
    Ok(data(&shown))
}
