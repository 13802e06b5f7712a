//! Entry points for the fuzz targets, for code that reads foreign bytes. Only in fuzzing builds.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Ticket;
use crate::error::Error;
use crate::stream::transfer::{Download, Multipart};

#[cfg(feature = "incus")]
pub use crate::incus::fuzzing as incus;
#[cfg(feature = "koyeb")]
pub use crate::koyeb::fuzzing as koyeb;

/// Checks that a parsed ticket prints as text that parses to the same ticket.
pub fn ticket(text: &str) {
    if let Ok(ticket) = text.parse::<Ticket>() {
        let written = ticket.to_string();
        assert!(!written.contains(['\r', '\n']), "more than a line: {written:?}");
        assert_eq!(written.parse::<Ticket>().ok(), Some(ticket), "{written:?}");
    }
}

/// Parses headers, one per line.
pub fn headers(text: &[u8]) -> HeaderMap {
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value.get(1..)?).ok()?))
    });
    lines.collect()
}

/// Parses when to retry.
pub fn retry_after(status: u16, headers: &HeaderMap) -> Option<Duration> {
    crate::transport::retry_after(status, headers)
}

/// Reads the files of a multipart body that comes in pieces.
///
/// # Errors
///
/// [`ErrorKind::BadReply`](crate::ErrorKind::BadReply) or [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if
/// the body is malformed or incomplete.
pub async fn form(boundary: &str, pieces: Vec<Bytes>) -> Result<Vec<(String, usize)>, Error> {
    let pieces = futures_util::stream::iter(pieces.into_iter().map(Ok));
    let mut form = Multipart::new(Download::of(pieces.boxed()), boundary);
    let mut files = Vec::new();
    while let Some(head) = form.part().await? {
        let mut length = 0;
        while let Some(piece) = form.piece().await? {
            length += piece.len();
        }
        files.push((head, length));
    }
    Ok(files)
}
