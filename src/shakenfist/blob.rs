//! Blobs: immutable bytes, read in constant memory and checked when whole.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use ring::digest::{Context, SHA512};
use tokio::sync::OnceCell;

use super::{ShakenFist, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::{handle, identified};
use crate::stream::transfer::{Opened, Pull, Source};
use crate::transport::{Label, checked};
use crate::wait::BoxFuture;
use crate::{Id, Identified};

identified! { types::Blob: uuid; }

handle! {
    /// A blob: its data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/blobs/>
    Blob<types::Blob> of sf: ShakenFist;
    /// A handle on a blob of which only the UUID is known.
    BlobRef
}

impl ShakenFist {
    /// A handle on a blob by its UUID, without a request.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist, uuid: &str) -> windlass::Result<()> {
    /// let blob = sf.blob(uuid).get().await?;
    /// println!("{:?} bytes", blob.size);
    /// blob.data().to("image.qcow2").await?;
    /// # Ok(()) }
    /// ```
    pub fn blob(&self, uuid: impl Into<String>) -> BlobRef {
        Blob::new(self, Id::new(uuid))
    }

    /// Finds a blob by the SHA-512 of its bytes, in hexadecimal. One that was just made may not be found yet.
    pub async fn find_blob(&self, hash: &str) -> Result<Option<Blob>, Error> {
        if hash.len() != 128 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let e = Error::invalid("sha512", "is no SHA-512: 128 hexadecimal digits");
            return Err(self.label("blob_by_sha512", "").on(e));
        }
        self.require("blob_by_sha512", "blob-search-by-hash", "find blobs by checksum").await?;
        let found = self.raw().blob_by_sha512().hash(hash.to_ascii_lowercase()).send().await?.0;
        Ok(found.map(|data| Blob::new(self, data)))
    }
}

async fn get(sf: &ShakenFist, uuid: &str) -> Result<types::Blob, Error> {
    sf.raw().blob_get().blob_uuid(checked("blob", uuid)?).send().await
}

impl<D: Identified> Blob<D> {
    /// The UUID.
    pub fn id(&self) -> &str {
        self.identity()
    }

    /// Fetches what is known of it.
    pub async fn get(&self) -> Result<Blob, Error> {
        Ok(Blob::new(&self.sf, get(&self.sf, self.id()).await?))
    }

    /// The bytes, or a part of them.
    ///
    /// ```no_run
    /// # async fn demo(blob: windlass::shakenfist::Blob) -> windlass::Result<()> {
    /// let head = blob.data().offset(0).limit(512).pull().bytes().await?;
    /// # Ok(()) }
    /// ```
    pub fn data(&self) -> BlobData {
        BlobData { sf: self.sf.clone(), uuid: self.id().to_owned(), offset: 0, limit: None }
    }
}

/// Bytes of a blob; from [`Blob::data`].
#[derive(Debug, Clone)]
#[must_use = "nothing is asked for before it is pulled"]
pub struct BlobData {
    sf: ShakenFist,
    uuid: String,
    offset: u64,
    limit: Option<u64>,
}

impl BlobData {
    /// From this byte on. From behind the end nothing comes.
    pub fn offset(mut self, byte: u64) -> Self {
        self.offset = byte;
        self
    }

    /// So many bytes at most. Servers that can't be asked for that begin to send all; the rest is dropped here.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Where it goes and within which limits is said there. A broken connection is resumed; a blob that is read whole is
    /// compared with its SHA-512, where the server knows that.
    pub fn pull(self) -> Pull {
        BlobSource::new(&self.sf, self.uuid, self.offset, self.limit).pull()
    }

    /// Short for `.pull().to(path)`: writes it to a file, which appears when it is whole.
    pub async fn to(self, path: impl AsRef<std::path::Path>) -> Result<crate::Transferred, Error> {
        self.pull().to(path).await
    }

    /// Short for `.pull().bytes()`.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        self.pull().bytes().await
    }
}

/// A blob's bytes as pulls see them.
pub(super) struct BlobSource {
    sf: ShakenFist,
    uuid: String,
    offset: u64,
    limit: Option<u64>,
    known: OnceCell<Known>,
    sum: Arc<Mutex<Sum>>,
}

/// What is known of a blob before it is read.
#[derive(Debug, Clone)]
struct Known {
    /// Of the part that is wanted.
    total: Option<u64>,
    sha512: Option<String>,
}

/// The checksum of what has been read.
struct Sum {
    context: Context,
    at: u64,
}

impl Sum {
    fn new() -> Self {
        Self { context: Context::new(&SHA512), at: 0 }
    }

    fn add(&mut self, piece: &[u8]) {
        self.context.update(piece);
        self.at += piece.len() as u64;
    }

    fn hex(&self) -> String {
        hex(self.context.clone().finish().as_ref())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A number of bytes as the API has it; no content is larger.
pub(super) fn count(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl BlobSource {
    pub(super) fn whole(sf: &ShakenFist, uuid: String) -> Self {
        Self::new(sf, uuid, 0, None)
    }

    fn new(sf: &ShakenFist, uuid: String, offset: u64, limit: Option<u64>) -> Self {
        let sum = Arc::new(Mutex::new(Sum::new()));
        Self { sf: sf.clone(), uuid, offset, limit, known: OnceCell::new(), sum }
    }

    pub(super) fn pull(self) -> Pull {
        Pull::new(self)
    }

    async fn known(&self) -> Result<&Known, Error> {
        let read = || async {
            let blob = get(&self.sf, &self.uuid).await?;
            let size = blob.size.and_then(|size| u64::try_from(size).ok());
            let rest = size.map(|size| size.saturating_sub(self.offset));
            let total = rest.map(|rest| rest.min(self.limit.unwrap_or(u64::MAX)));
            let whole = self.offset == 0 && self.limit.is_none();
            Ok(Known { total, sha512: blob.sha512.filter(|hash| whole && !hash.is_empty()) })
        };
        self.known.get_or_try_init(read).await
    }

    async fn read(&self, from: u64) -> Result<Opened, Error> {
        let known = self.known().await?.clone();
        let left = known.total.or(self.limit).map(|total| total.saturating_sub(from));
        let version = Some(self.uuid.clone());
        if left == Some(0) {
            let body = checked_body(futures_util::stream::empty().boxed(), left, self.check(from, &known));
            return Ok(Opened { from, total: known.total, version, mode: None, body });
        }
        let request = self.sf.raw().blob_data().blob_uuid(checked("blob", &self.uuid)?);
        let request = match self.offset.saturating_add(from) {
            0 => request,
            offset => request.offset(count(offset)),
        };
        let request = match left.filter(|_| self.limit.is_some()) {
            Some(left) if self.sf.can("blob-data-limit").await => request.limit(count(left)),
            _ => request,
        };
        let body = checked_body(request.send().await?.boxed(), left, self.check(from, &known));
        Ok(Opened { from, total: known.total, version, mode: None, body })
    }

    fn check(&self, from: u64, known: &Known) -> Check {
        let mut sum = lock(&self.sum);
        if from == 0 {
            *sum = Sum::new();
        }
        // Should something have been read twice or not at all, there is nothing to compare.
        let wanted = known.sha512.clone().filter(|_| sum.at == from);
        Check { sum: self.sum.clone(), wanted }
    }
}

impl Source for BlobSource {
    fn label(&self) -> Label {
        self.sf.label("blob_data", &self.uuid)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.read(from))
    }
}

/// What the bytes must add up to.
struct Check {
    sum: Arc<Mutex<Sum>>,
    wanted: Option<String>,
}

impl Check {
    fn add(&self, piece: &[u8]) {
        if self.wanted.is_some() {
            lock(&self.sum).add(piece);
        }
    }

    fn verdict(&self) -> Result<(), Error> {
        match &self.wanted {
            Some(wanted) if !wanted.eq_ignore_ascii_case(&lock(&self.sum).hex()) => {
                let message = "the blob doesn't have the SHA-512 that the server knows of it";
                Err(Error::new(ErrorKind::BadReply, message).with(|e| e.sent = Sent::Yes))
            }
            _ => Ok(()),
        }
    }
}

type Body = BoxStream<'static, Result<Bytes, Error>>;

/// No more than what is left, and at the end of the whole a look at the checksum.
fn checked_body(body: Body, left: Option<u64>, check: Check) -> Body {
    let state = (body, left, check);
    let checked = try_unfold(state, |(mut body, left, check)| async move {
        if left == Some(0) {
            return check.verdict().map(|()| None);
        }
        let Some(mut piece) = body.try_next().await? else {
            // With the size unknown this is the end; else it is one too early, which the reader notices.
            return if left.is_none() { check.verdict().map(|()| None) } else { Ok(None) };
        };
        if let Some(left) = left {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        check.add(&piece);
        let left = left.map(|left| left.saturating_sub(piece.len() as u64));
        Ok(Some((piece, (body, left, check))))
    });
    checked.boxed()
}

fn lock(sum: &Mutex<Sum>) -> MutexGuard<'_, Sum> {
    sum.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(
        pieces: &[&'static str],
        left: Option<u64>,
        wanted: Option<&str>,
    ) -> Result<String, ErrorKind> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        let sum = Arc::new(Mutex::new(Sum::new()));
        let check = Check { sum, wanted: wanted.map(str::to_owned) };
        let body = checked_body(futures_util::stream::iter(pieces).boxed(), left, check);
        let all: Vec<Bytes> = body.try_collect().await.map_err(|e| e.kind())?;
        Ok(all.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect())
    }

    #[tokio::test]
    async fn what_was_read_is_compared() {
        let mut sum = Sum::new();
        sum.add(b"hello");
        let hash = sum.hex();
        assert!(hash.starts_with("9b71d224bd62f378"), "{hash}");
        assert_eq!(read(&["hel", "lo"], Some(5), Some(&hash)).await, Ok("hello".to_owned()));
        assert_eq!(read(&["hel", "lo"], None, Some(&hash.to_uppercase())).await, Ok("hello".to_owned()));
        assert_eq!(read(&["hel", "lp"], Some(5), Some(&hash)).await, Err(ErrorKind::BadReply));
        assert_eq!(read(&["hel", "lp"], Some(5), None).await, Ok("hellp".to_owned()));
        // Too short: the pull itself says so, and goes on from there.
        assert_eq!(read(&["hel"], Some(5), Some(&hash)).await, Ok("hel".to_owned()));
    }

    #[tokio::test]
    async fn no_more_than_was_asked_for() {
        assert_eq!(read(&["hello", "world"], Some(7), None).await, Ok("hellowo".to_owned()));
    }
}
