//! The source of content, and what an answer says about it: size, start and version.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};

use crate::error::Error;
use crate::transport::Label;
use crate::transport::{ByteStream, Head};

/// A source of content. Each API has one for each kind of thing.
pub(crate) trait Source: Send + Sync + 'static {
    /// The call that reads it, for errors.
    fn label(&self) -> Label;

    /// Requests the content from byte `from` on. [`Opened::from`] says where the answer really begins.
    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>>;
}

/// Content that a server has begun to send.
pub(crate) struct Opened {
    /// The position of the first byte.
    pub(crate) from: u64,
    /// The total size in bytes, if known.
    pub(crate) total: Option<u64>,
    /// Differs between any two versions of the content. `None` if nothing does; then a pull can't be resumed.
    pub(crate) version: Option<String>,
    /// The permissions of the file on the server, if it has any.
    pub(crate) mode: Option<u32>,
    pub(crate) body: BoxStream<'static, Result<Bytes, Error>>,
}

/// Adds a `Range` header to a request, unless it starts at 0.
pub(crate) fn ranged<R>(request: R, from: u64, range: impl FnOnce(R, String) -> R) -> R {
    match from {
        0 => request,
        _ => range(request, format!("bytes={from}-")),
    }
}

impl Opened {
    /// Reads the head of an answer, with or without a range.
    pub(crate) fn of((body, head): (ByteStream, Head)) -> Result<Self, Error> {
        let headers = head.headers();
        let (from, total) = if head.status() == http::StatusCode::PARTIAL_CONTENT {
            let told = text(headers, &CONTENT_RANGE).and_then(content_range);
            told.ok_or_else(|| head.facts().bad_reply("a partial answer doesn't tell its range"))?
        } else {
            (0, text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok()))
        };
        Ok(Self { from, total, version: version(headers), mode: None, body: Box::pin(body) })
    }

    /// Content that can't change, for example because its name is a hash of it.
    pub(crate) fn unchanging(mut self) -> Self {
        self.version = Some(String::new());
        self
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `bytes 5-9/10`, `bytes 5-9/*`.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let from = range.split_once('-')?.0.parse().ok()?;
    Some((from, total.parse().ok()))
}

/// A strong ETag, or the time of modification if no two versions can share it.
fn version(headers: &HeaderMap) -> Option<String> {
    if let Some(etag) = text(headers, &ETAG).filter(|etag| etag.starts_with('"')) {
        return Some(etag.to_owned());
    }
    let modified = text(headers, &LAST_MODIFIED)?;
    is_old_enough(modified, text(headers, &DATE)?).then(|| modified.to_owned())
}

/// Times come in whole seconds, so two changes within one second share their time. Only after that second the time
/// identifies a version. One more second, because the server read the file before it dated the answer.
fn is_old_enough(modified: &str, now: &str) -> bool {
    let seconds = |date| chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.timestamp());
    matches!((seconds(modified), seconds(now)), (Some(modified), Some(now)) if now - modified >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let ranged = |from| ranged(String::new(), from, |_, range| range);
        assert_eq!((ranged(0).as_str(), ranged(7).as_str()), ("", "bytes=7-"));
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for bad in ["", "bytes", "bytes */10", "items 5-9/10", "bytes 5/10", "bytes a-9/10", "bytes -1-9/10"]
        {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_version_only_where_no_two_can_share_it() {
        const LONG_AGO: &str = "Sat, 21 Nov 2026 03:00:00 GMT";
        let version = |pairs: &[(HeaderName, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (name.clone(), http::HeaderValue::from_static(value)));
            version(&headers.collect())
        };
        assert_eq!(version(&[(ETAG, "\"a\"")]).as_deref(), Some("\"a\""));
        assert_eq!(version(&[(ETAG, "W/\"a\"")]), None);
        assert_eq!(version(&[(LAST_MODIFIED, LONG_AGO)]), None);
        let dated = |now| version(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, LONG_AGO), (DATE, now)]);
        assert_eq!(dated("Sat, 21 Nov 2026 03:00:02 GMT").as_deref(), Some(LONG_AGO));
        assert_eq!(dated("Sat, 21 Nov 2026 03:00:01 GMT"), None);
        assert_eq!(dated("Sat, 21 Nov 2026 02:59:00 GMT"), None);
        assert_eq!(dated("today"), None);
    }
}
