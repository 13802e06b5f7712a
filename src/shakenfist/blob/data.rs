//! The bytes of a blob.

use std::path::Path;

use bytes::Bytes;

use super::handle::{Blob, BlobRef};
use super::source::BlobSource;
use crate::error::Error;
use crate::handle::Identified;
use crate::stream::transfer::{Pull, Transferred};

impl<D: Identified> Blob<D> {
    /// The bytes, or a part of them.
    ///
    /// ```no_run
    /// # async fn demo(blob: windlass::shakenfist::Blob) -> windlass::Result<()> {
    /// let head = blob.data().offset(0).limit(512).pull().bytes().await?;
    /// # Ok(()) }
    /// ```
    pub fn data(&self) -> BlobData {
        BlobData { blob: self.reference(), offset: 0, limit: None }
    }
}

/// Bytes of a blob; from [`Blob::data`].
///
/// # Errors
///
/// Every way to read them can fail with [`NotFound`](crate::ErrorKind::NotFound) if there is no such blob,
/// [`BadReply`](crate::ErrorKind::BadReply) if the checksum differs, [`LimitExceeded`](crate::ErrorKind::LimitExceeded)
/// if there is more than is accepted, [`Io`](crate::ErrorKind::Io) if it can't be written here, and those of [every
/// request](crate::ShakenFist#errors).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before it is pulled"]
pub struct BlobData {
    blob: BlobRef,
    offset: u64,
    limit: Option<u64>,
}

impl BlobData {
    /// From this byte on. Behind the end there is nothing.
    pub fn offset(mut self, byte: u64) -> Self {
        self.offset = byte;
        self
    }

    /// At most this many bytes. Older servers start to send all of them; then the rest is dropped here.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// A [`Pull`], which has limits, and more destinations. A broken connection is resumed. A blob that is read
    /// completely is compared with its SHA-512, if the server knows that.
    pub fn pull(self) -> Pull {
        BlobSource::new(self.blob, self.offset, self.limit).pull()
    }

    /// Writes it to a file, which appears when it is complete. Short for `.pull().to(path)`.
    ///
    /// # Errors
    ///
    /// Those of [`BlobData`].
    pub async fn to(self, path: impl AsRef<Path>) -> Result<Transferred, Error> {
        self.pull().to(path).await
    }

    /// Collects it in memory. Short for `.pull().bytes()`.
    ///
    /// # Errors
    ///
    /// Those of [`BlobData`].
    pub async fn bytes(self) -> Result<Bytes, Error> {
        self.pull().bytes().await
    }
}
