//! Files as answers, whole or in part.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

/// A whole file, or the requested range.
pub(crate) fn raw(request: &Request, path: &str, data: Bytes, modified: DateTime<Utc>) -> Reply {
    let size = data.len();
    let reply = match range(request, size) {
        None => Reply::new(200, data),
        Some(Some((from, to))) => Reply::new(206, data.slice(from..=to))
            .header("Content-Range", format!("bytes {from}-{to}/{size}")),
        Some(None) => {
            return Reply::new(416, "invalid range: failed to overlap\n")
                .header("Content-Type", "text/plain; charset=utf-8")
                .header("Content-Range", format!("bytes */{size}"));
        }
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    reply
        .header("Accept-Ranges", "bytes")
        .header("Content-Type", "application/octet-stream")
        .header("Content-Disposition", format!("inline;filename={name}"))
        .header("Last-Modified", modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// `bytes=a-b`, `bytes=a-` or `bytes=-n`. The inner `None` is outside of the file.
fn range(request: &Request, size: usize) -> Option<Option<(usize, usize)>> {
    let (from, to) = request.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
    let last = size.checked_sub(1);
    let (from, to) = match (from.parse::<usize>().ok(), to.parse::<usize>().ok()) {
        (Some(from), to) => (from, to.unwrap_or(usize::MAX)),
        (None, Some(tail)) => (size.saturating_sub(tail), usize::MAX),
        (None, None) => return None,
    };
    Some(last.filter(|last| from <= *last && from <= to).map(|last| (from, to.min(last))))
}
