//! A file that appears on disk only when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use crate::error::{Error, Kind};

/// A file in the making, under another name beside the one it is to have. Dropping it removes it.
pub(super) struct Draft {
    file: File,
    scrap: Scrap,
    target: PathBuf,
}

/// Removes a file unless told to keep it.
struct Scrap(Option<PathBuf>);

impl Drop for Scrap {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nobody is left to tell.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Draft {
    /// Enough to keep the disk busy, little enough to be nothing.
    const BUFFER: usize = 1 << 20;

    pub(super) async fn beside(target: &Path) -> Result<Self, Error> {
        let old = fs::metadata(target).await.ok();
        if target.file_name().is_none() || old.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            return Err(Error::invalid("path", format!("{} is a directory", target.display())));
        }
        let path = target.with_file_name(format!(".windlass-{:016x}.part", rand::random::<u64>()));
        let opened = fs::OpenOptions::new().write(true).create_new(true).open(&path).await;
        let mut file = opened.map_err(|e| local("create", target, e))?;
        let scrap = Scrap(Some(path));
        file.set_max_buf_size(Self::BUFFER);
        if let Some(old) = old {
            // Who could not read what was there can't read what replaces it.
            file.set_permissions(old.permissions()).await.map_err(|e| local("create", target, e))?;
        }
        Ok(Self { file, scrap, target: target.to_owned() })
    }

    pub(super) async fn write(&mut self, piece: &Bytes) -> Result<(), Error> {
        self.file.write_all(piece).await.map_err(|e| local("write", &self.target, e))
    }

    /// Gives it its name; `durable`: so that not even a power cut takes it away again.
    pub(super) async fn keep(mut self, durable: bool) -> Result<(), Error> {
        self.file.flush().await.map_err(|e| local("write", &self.target, e))?;
        if durable {
            self.file.sync_all().await.map_err(|e| local("write", &self.target, e))?;
        }
        if let Some(path) = &self.scrap.0 {
            fs::rename(path, &self.target).await.map_err(|e| local("create", &self.target, e))?;
        }
        self.scrap.0 = None;
        if durable {
            sync_directory(&self.target).await.map_err(|e| local("create", &self.target, e))?;
        }
        Ok(())
    }
}

/// A new name is kept in its directory.
async fn sync_directory(of: &Path) -> io::Result<()> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new("."))).await?.sync_all().await
}

/// A file of this machine that can't be used.
pub(crate) fn local(verb: &str, path: &Path, e: io::Error) -> Error {
    Error::new(Kind::Io, format!("can't {verb} {}: {e}", path.display())).with(|inner| {
        inner.source = Some(e.into());
    })
}
