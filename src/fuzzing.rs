//! Doors to what reads foreign bytes, for the fuzz targets. Other builds don't have this module.

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

/// What is read as a ticket is written as one that reads the same.
pub fn ticket(text: &str) {
    if let Ok(ticket) = text.parse::<Ticket>() {
        let written = ticket.to_string();
        assert!(!written.contains(['\r', '\n']), "more than a line: {written:?}");
        assert_eq!(written.parse::<Ticket>().ok(), Some(ticket), "{written:?}");
    }
}

/// Headers, one a line.
pub fn headers(text: &[u8]) -> HeaderMap {
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value.get(1..)?).ok()?))
    });
    lines.collect()
}

/// When to come back.
pub fn retry_after(status: u16, headers: &HeaderMap) -> Option<Duration> {
    crate::transport::retry_after(status, headers)
}

/// The files of a form that comes in pieces.
///
/// # Errors
///
/// It is no form.
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
