//! Small files as a whole.

use bytes::Bytes;

use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::instance::Instance;

impl<D: Identified> Instance<D> {
    /// Reads a file into memory, 64 MiB at most.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// let release = web.read_file("/etc/os-release").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The same as [`pull`](Self::pull) with [`bytes`](crate::shakenfist::Pull::bytes).
    ///
    /// # Errors
    ///
    /// Those of [`pull`](Self::pull).
    pub async fn read_file(&self, path: &str) -> Result<Bytes, Error> {
        self.pull(path).bytes().await
    }

    /// Writes a file with mode 0644, replacing what is there.
    ///
    /// The same as [`push`](Self::push) of bytes.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub async fn write_file(&self, path: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        self.push(content.into()).to(path).await
    }
}
