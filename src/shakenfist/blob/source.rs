//! Reading a blob, from any byte on.

use futures_util::stream::StreamExt;
use tokio::sync::OnceCell;

use super::checksum::{Check, SharedSum, checked_body};
use super::handle::BlobRef;
use crate::error::Error;
use crate::shakenfist::client::ShakenFist;
use crate::stream::transfer::{Opened, Pull, Source};
use crate::transport::{Label, checked};
use crate::wait::BoxFuture;

/// The bytes of a blob, as the source of a pull.
pub(in crate::shakenfist) struct BlobSource {
    blob: BlobRef,
    offset: u64,
    limit: Option<u64>,
    known: OnceCell<BlobFacts>,
    sum: SharedSum,
}

/// What is known of the blob before its bytes are read.
#[derive(Debug, Clone)]
struct BlobFacts {
    /// The size of the part that is wanted.
    total: Option<u64>,
    sha512: Option<String>,
}

/// A number of bytes in the type of the API.
pub(in crate::shakenfist) fn count(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl BlobSource {
    /// All of it.
    pub(in crate::shakenfist) fn whole(sf: &ShakenFist, uuid: String) -> Self {
        Self::new(sf.blob(uuid), 0, None)
    }

    pub(super) fn new(blob: BlobRef, offset: u64, limit: Option<u64>) -> Self {
        Self { blob, offset, limit, known: OnceCell::new(), sum: SharedSum::default() }
    }

    pub(in crate::shakenfist) fn pull(self) -> Pull {
        Pull::new(self)
    }

    async fn known(&self) -> Result<&BlobFacts, Error> {
        let read = || async {
            let blob = self.blob.get().await?;
            let size = blob.size.and_then(|size| u64::try_from(size).ok());
            let rest = size.map(|size| size.saturating_sub(self.offset));
            let total = rest.map(|rest| rest.min(self.limit.unwrap_or(u64::MAX)));
            let whole = self.offset == 0 && self.limit.is_none();
            Ok(BlobFacts { total, sha512: blob.into_data().sha512.filter(|hash| whole && !hash.is_empty()) })
        };
        self.known.get_or_try_init(read).await
    }

    async fn read(&self, from: u64) -> Result<Opened, Error> {
        let known = self.known().await?.clone();
        let left = known.total.or(self.limit).map(|total| total.saturating_sub(from));
        let version = Some(self.blob.id().to_owned());
        if left == Some(0) {
            let body = checked_body(futures_util::stream::empty().boxed(), left, self.check(from, &known));
            return Ok(Opened { from, total: known.total, version, mode: None, body });
        }
        let request = self.blob.sf.raw().blob_data().blob_uuid(checked("blob", self.blob.id())?);
        let request = match self.offset.saturating_add(from) {
            0 => request,
            offset => request.offset(count(offset)),
        };
        let request = match left.filter(|_| self.limit.is_some()) {
            Some(left) if self.blob.sf.can("blob-data-limit").await => request.limit(count(left)),
            _ => request,
        };
        let body = checked_body(request.send().await?.boxed(), left, self.check(from, &known));
        Ok(Opened { from, total: known.total, version, mode: None, body })
    }

    fn check(&self, from: u64, known: &BlobFacts) -> Check {
        // If something was read twice or not at all, there is nothing to compare.
        let wanted = known.sha512.clone().filter(|_| self.sum.continues_at(from));
        Check::new(&self.sum, wanted)
    }
}

impl Source for BlobSource {
    fn label(&self) -> Label {
        self.blob.sf.label("blob_data", self.blob.id())
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.read(from))
    }
}
