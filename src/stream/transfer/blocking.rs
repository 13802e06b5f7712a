//! Blocking work on local files.

use std::io;
use std::path::Path;

use tokio::task::spawn_blocking;

use crate::error::{Error, ErrorKind};

/// Runs blocking work on another thread. It runs to its end even if the future is dropped.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|e| {
        Err(Error::new(ErrorKind::Io, format!("the thread that works on a local file ended: {e}")))
    })
}

/// The error of a local file.
pub(crate) fn local(verb: &str, path: &Path, e: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("can't {verb} {}: {e}", path.display())).with(|inner| {
        inner.source = Some(e.into());
    })
}
