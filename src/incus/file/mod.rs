//! Files of an instance.

mod delete;
mod directories;
#[cfg(fuzzing)]
pub mod fuzzing;
mod info;
mod pull;
mod pull_tree;
mod push;
mod push_tree;
mod read_dir;
mod sftp;
mod sftp_push;
mod tree;
mod wire;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::incus::{Instance, InstanceRef};
use crate::transport::Label;

pub use delete::DeleteFile;
pub use info::FileInfo;
pub use pull_tree::PullTree;
pub use push::{MakeDir, Push, Symlink};
pub use push_tree::PushTree;
pub use read_dir::ReadDir;
pub use tree::Copied;

impl<D: Identified> Instance<D> {
    /// Reads a file into memory, 64 MiB at most; works on stopped instances too.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let release = web.read_file("/etc/os-release").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The same as [`pull`](Self::pull) with [`bytes`](crate::Pull::bytes).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::LimitExceeded`] if it is larger.
    pub async fn read_file(&self, path: &str) -> Result<Bytes, Error> {
        self.pull(path).bytes().await
    }

    /// Writes a file, replacing what is there; its directory must exist.
    ///
    /// A new file belongs to root and has mode 0644; an existing one keeps its owner and mode. The same as
    /// [`push`](Self::push) of bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such directory.
    pub async fn write_file(&self, path: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        self.push(content.into()).to(path).await?;
        Ok(())
    }
}

impl<D: Identified> Instance<D> {
    /// For errors about a file that no answer is behind.
    fn label_file(&self, operation: &'static str, path: &str) -> Label {
        self.incus.label(operation, format!("{}:{path}", self.name()))
    }
}

/// There are only texts.
fn explained(e: Error) -> Error {
    let kind = match e.message() {
        text if text.contains("directory not empty") || text.contains("is a directory") => {
            ErrorKind::Conflict
        }
        text if text.contains("file exists") => ErrorKind::AlreadyExists,
        _ => return e,
    };
    e.with(|inner| inner.kind = kind)
}

fn checked_path(path: &str) -> Result<(), Error> {
    match path {
        path if path.contains('\0') => Err(Error::invalid("path", format!("{path:?} holds a zero byte"))),
        path if path.starts_with('/') => Ok(()),
        path => Err(Error::invalid("path", format!("{path:?} is not absolute"))),
    }
}
