//! A blob: what is known of it together with a handle on it.

use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::types;
use crate::transport::checked;

identified! { types::Blob: uuid; }

handle! {
    /// A blob: typed data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/blobs/>
    Blob<types::Blob> of sf: ShakenFist;
    /// A handle on a blob of which only the UUID is known.
    BlobRef
}

impl ShakenFist {
    /// A handle on a blob, by its UUID. Sends nothing.
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

    /// Finds a blob by the SHA-512 of its bytes, 128 hexadecimal digits. A new blob may not be found yet.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it isn't a SHA-512, and those of
    /// [every request](crate::ShakenFist#errors).
    pub async fn find_blob(&self, hash: &str) -> Result<Option<Blob>, Error> {
        if hash.len() != 128 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let e = Error::invalid("sha512", "isn't a SHA-512: 128 hexadecimal digits");
            return Err(self.label("blob_by_sha512", "").on(e));
        }
        self.require("blob_by_sha512", "blob-search-by-hash", "find blobs by checksum").await?;
        let found = self.raw().blob_by_sha512().hash(hash.to_ascii_lowercase()).send().await?.0;
        Ok(found.map(|data| Blob::new(self, data)))
    }
}

impl<D: Identified> Blob<D> {
    /// The UUID.
    pub fn id(&self) -> &str {
        self.identity()
    }

    /// Reads what is known of the blob.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every
    /// request](crate::ShakenFist#errors).
    pub async fn get(&self) -> Result<Blob, Error> {
        let uuid = checked("blob", self.id())?;
        Ok(Blob::new(&self.sf, self.sf.raw().blob_get().blob_uuid(uuid).send().await?))
    }
}
