//! Blobs: immutable bytes.

use serde_json::Value;

use super::answer::{Answer, data as answer, failure, not_found, options};
use super::asked::Asked;
use super::release::Release;
use super::state::Data;
use crate::testing::server::reply::Reply;

/// `GET /blobs/{blob_uuid}`.
pub(super) fn get(asked: &Asked<'_>, uuid: &str) -> Answer {
    options(asked.request, "BlobEndpoint", &[])?;
    Ok(answer(&shown(&asked.world.data(), uuid).ok_or_else(|| not_found("blob"))?))
}

fn shown(all: &Data, uuid: &str) -> Option<Value> {
    let mut document = all.blobs.get(uuid)?.document.clone();
    document["instances"] = users(all, uuid).into();
    document["reference_count"] = references(all, uuid).into();
    Some(document)
}

/// How many versions of artifacts, and instances, have this content.
pub(super) fn references(all: &Data, blob: &str) -> usize {
    let there = all.artifacts.values().filter(|artifact| artifact["state"] != "deleted");
    let versions = there.flat_map(|artifact| artifact["blobs"].as_object().into_iter().flatten());
    versions.filter(|(_, version)| version["uuid"] == blob).count() + users(all, blob).len()
}

/// The instances that have a disk with this content.
pub(super) fn users(all: &Data, blob: &str) -> Vec<Value> {
    let has_it = |document: &Value| {
        let mut disks = document["disks"].as_array().into_iter().flatten();
        document["state"] != "deleted" && disks.any(|disk| disk["blob_uuid"] == blob)
    };
    let users = all.instances.iter().filter(|(_, instance)| has_it(&instance.document));
    users.map(|(uuid, _)| uuid[..].into()).collect()
}

/// `GET /blobs/{blob_uuid}/data`: the only call with options in its query.
pub(super) fn data(asked: &Asked<'_>, uuid: &str) -> Answer {
    let number = |name: &str| match asked.request.param(name) {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| failure(500, "server error: ValueError")),
    };
    let (offset, mut limit): (usize, usize) = (number("offset")?, number("limit")?);
    if asked.world.release < Release::Develop || limit == 0 {
        limit = usize::MAX;
    }
    let all = asked.world.data();
    let bytes = &all.blobs.get(uuid).ok_or_else(|| not_found("blob"))?.bytes;
    let from = offset.min(bytes.len());
    let to = from.saturating_add(limit).min(bytes.len());
    Ok(Reply::new(200, bytes.slice(from..to)).header("Content-Type", "text/plain; charset=utf-8"))
}

/// `GET /blob_checksums/sha512/{hash}`: `null` if there is none.
pub(super) fn by_checksum(asked: &Asked<'_>, algorithm: &str, hash: &str) -> Answer {
    if !["sha1", "sha256", "sha512", "xxh128"].contains(&algorithm) {
        return Err(failure(400, "unknown hash algorithm"));
    }
    let all = asked.world.data();
    let found = all.blobs.iter().find(|(_, blob)| blob.document["sha512"] == hash);
    Ok(answer(&found.and_then(|(uuid, _)| shown(&all, uuid)).unwrap_or_default()))
}
