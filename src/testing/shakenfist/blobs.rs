//! Blobs: immutable bytes.

use serde_json::Value;

use super::answer::{Answer, data as answer, failure, not_found, options};
use super::asked::Asked;
use super::release::Release;
use crate::testing::server::reply::Reply;

/// `GET /blobs/{blob_uuid}`.
pub(super) fn get(asked: &Asked<'_>, uuid: &str) -> Answer {
    options(asked.request, "BlobEndpoint", &[])?;
    let all = asked.world.data();
    Ok(answer(&all.blobs.get(uuid).ok_or_else(|| not_found("blob"))?.document))
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
    let found = all.blobs.values().find(|blob| blob.document["sha512"] == hash);
    Ok(answer(found.map_or(&Value::Null, |blob| &blob.document)))
}
