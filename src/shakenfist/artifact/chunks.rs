//! Uploading bytes in chunks, from where the last one was confirmed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use ring::digest::{Context, SHA512};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::shakenfist::blob::{count, hex};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::poll::pauses;
use crate::shakenfist::types;
use crate::stream::transfer::{Pieces, Tell, Transferred};
use crate::transport::checked;

/// What was uploaded.
#[derive(Debug)]
pub(super) struct Uploaded {
    pub(super) uuid: String,
    pub(super) size: u64,
    pub(super) sha512: String,
}

/// The SHA-512 of content, in hexadecimal.
pub(super) async fn sha512(mut pieces: Pieces) -> Result<String, Error> {
    let mut context = Context::new(&SHA512);
    while let Some(piece) = pieces.pieces.next().await {
        context.update(&piece.map_err(unreadable)?);
    }
    Ok(hex(context.finish().as_ref()))
}

fn unreadable(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("can't read what is to be pushed: {e}"))
        .with(|inner| inner.source = Some(e.into()))
}

/// Uploads content. A broken connection is resumed, as long as something gets through in between.
pub(super) async fn upload(sf: &ShakenFist, content: Pieces, tell: Option<Tell>) -> Result<Uploaded, Error> {
    let progress = Transferred { bytes: 0, total: content.length };
    let mut upload = Upload { sf, uuid: begin(sf).await?, progress, chunk: FIRST, tell };
    let mut context = Context::new(&SHA512);
    let mut pieces = content.pieces;
    let mut chunk = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(unreadable)?;
        context.update(&piece);
        chunk.extend_from_slice(&piece);
        while chunk.len() >= upload.chunk {
            let full = chunk.split_to(upload.chunk).freeze();
            upload.append(full).await?;
        }
    }
    if !chunk.is_empty() || upload.progress.bytes == 0 {
        upload.append(chunk.freeze()).await?;
    }
    Ok(Uploaded { uuid: upload.uuid, size: upload.progress.bytes, sha512: hex(context.finish().as_ref()) })
}

/// The first, smallest and largest chunk, in bytes. A chunk should take a few seconds on any line.
const FIRST: usize = 256 << 10;
const LEAST: usize = 16 << 10;
const MOST: usize = 2 << 20;
const LONG: Duration = Duration::from_secs(6);
const SHORT: Duration = Duration::from_secs(2);

/// How often one chunk is tried again.
const TRIES: u32 = 5;

struct Upload<'a> {
    sf: &'a ShakenFist,
    uuid: String,
    /// What the server has confirmed.
    progress: Transferred,
    chunk: usize,
    tell: Option<Tell>,
}

/// Asks for an empty upload. If the answer is lost, that upload is never used.
async fn begin(sf: &ShakenFist) -> Result<String, Error> {
    let mut pauses = pauses();
    for _ in 0..TRIES {
        match sf.raw().upload_create().send().await {
            Ok(upload) => return Ok(upload.uuid),
            Err(e) if e.kind().may_pass() => tracing::debug!(error = %e, "beginning an upload failed"),
            Err(e) => return Err(e),
        }
        tokio::time::sleep(pauses.next()).await;
    }
    Ok(sf.raw().upload_create().send().await?.uuid)
}

impl Upload<'_> {
    /// Appends a chunk. If it isn't known how much of it arrived, the upload is first cut back to what was confirmed.
    async fn append(&mut self, chunk: Bytes) -> Result<(), Error> {
        let (mut failures, mut pauses, mut doubtful) = (0, pauses(), false);
        loop {
            let tried = match doubtful {
                true => self.cut_back().await,
                false => Ok(()),
            };
            let e = match tried {
                Ok(()) => match self.send(chunk.clone()).await {
                    Ok(()) => return Ok(()),
                    Err(e) => e,
                },
                Err(e) => e,
            };
            failures += 1;
            if failures > TRIES || !e.kind().may_pass() {
                return Err(e);
            }
            tracing::debug!(error = %e, confirmed = self.progress.bytes, "a chunk failed");
            doubtful = true;
            self.chunk = (self.chunk / 2).max(LEAST);
            tokio::time::sleep(pauses.next()).await;
        }
    }

    async fn send(&mut self, chunk: Bytes) -> Result<(), Error> {
        let (started, length) = (Instant::now(), chunk.len() as u64);
        let call = self.sf.raw().upload_append().upload_uuid(checked("upload", &self.uuid)?).body(chunk);
        let (types::UploadSize(size), head) = call.send().with_head().await?;
        let wanted = self.progress.bytes.saturating_add(length);
        if u64::try_from(size).ok() != Some(wanted) {
            return Err(head.facts().bad_reply(format!("the upload has {size} bytes instead of {wanted}")));
        }
        self.adapt(started.elapsed());
        self.progress.bytes = wanted;
        if let Some(tell) = &mut self.tell {
            tell(self.progress);
        }
        Ok(())
    }

    fn adapt(&mut self, took: Duration) {
        match took {
            took if took > LONG => self.chunk = (self.chunk / 2).max(LEAST),
            took if took < SHORT => self.chunk = (self.chunk * 2).min(MOST),
            _ => {}
        }
    }

    async fn cut_back(&mut self) -> Result<(), Error> {
        if self.progress.bytes == 0 {
            // If there is nothing to cut, the server fails.
            self.uuid = begin(self.sf).await?;
            return Ok(());
        }
        let request = self.sf.raw().upload_truncate().upload_uuid(checked("upload", &self.uuid)?);
        request.offset(count(self.progress.bytes)).send().await.map(drop)
    }
}
