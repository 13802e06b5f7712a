//! Work on files of this machine.

use std::io;
use std::path::Path;

use tokio::task::spawn_blocking;

use crate::error::{Error, ErrorKind};

/// Runs blocking work on a thread of its own. It runs to its end even if the future is dropped.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|e| {
        Err(Error::new(ErrorKind::Io, format!("work on this machine's disk ended early: {e}")))
    })
}

/// The error of a file of this machine.
pub(crate) fn local(verb: &str, path: &Path, e: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("can't {verb} {}: {e}", path.display())).with(|inner| {
        inner.source = Some(e.into());
    })
}
