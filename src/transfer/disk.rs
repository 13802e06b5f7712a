//! A file that appears on disk only when it is whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::fs;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::{Error, Kind};

/// A file in the making, under another name beside the one it is to have. Dropping it removes it.
///
/// What came is written while more comes.
pub(crate) struct Draft {
    /// The writing of what came before; it has the file.
    writing: Option<JoinHandle<io::Result<File>>>,
    pieces: Vec<Bytes>,
    /// How much is in the pieces.
    held: usize,
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

    pub(crate) async fn beside(target: &Path) -> Result<Self, Error> {
        let old = fs::metadata(target).await.ok();
        if target.file_name().is_none() || old.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            return Err(Error::invalid("path", format!("{} is a directory", target.display())));
        }
        let path = target.with_file_name(format!(".windlass-{:016x}.part", rand::random::<u64>()));
        let opened = fs::OpenOptions::new().write(true).create_new(true).open(&path).await;
        let file = opened.map_err(|e| local("create", target, e))?;
        let scrap = Scrap(Some(path));
        if let Some(old) = old {
            // Who could not read what was there can't read what replaces it.
            file.set_permissions(old.permissions()).await.map_err(|e| local("create", target, e))?;
        }
        let file = file.into_std().await;
        let writing = Some(spawn_blocking(|| Ok(file)));
        Ok(Self { writing, pieces: Vec::new(), held: 0, scrap, target: target.to_owned() })
    }

    pub(crate) async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        self.held += piece.len();
        self.pieces.push(piece);
        if self.held >= Self::BUFFER { self.hand_over().await } else { Ok(()) }
    }

    /// Has the pieces written, once what came before them is.
    async fn hand_over(&mut self) -> Result<(), Error> {
        let mut file = self.written().await?;
        let pieces = std::mem::take(&mut self.pieces);
        self.held = 0;
        self.writing = Some(spawn_blocking(move || {
            pieces.iter().try_for_each(|piece| file.write_all(piece))?;
            Ok(file)
        }));
        Ok(())
    }

    /// The file, when nothing is being written to it.
    async fn written(&mut self) -> Result<File, Error> {
        let written = match self.writing.take() {
            Some(writing) => writing.await.unwrap_or_else(|e| Err(io::Error::other(e))),
            None => Err(io::Error::other("an earlier write failed")),
        };
        written.map_err(|e| local("write", &self.target, e))
    }

    /// Gives it its name; `durable`: so that not even a power cut takes it away again.
    pub(crate) async fn keep(mut self, durable: bool) -> Result<PathBuf, Error> {
        self.hand_over().await?;
        let file = fs::File::from_std(self.written().await?);
        if durable {
            file.sync_all().await.map_err(|e| local("write", &self.target, e))?;
        }
        drop(file);
        if let Some(path) = &self.scrap.0 {
            fs::rename(path, &self.target).await.map_err(|e| local("create", &self.target, e))?;
        }
        self.scrap.0 = None;
        if durable {
            sync_directory(&self.target).await.map_err(|e| local("create", &self.target, e))?;
        }
        Ok(self.target)
    }
}

/// A new name is kept in its directory.
async fn sync_directory(of: &Path) -> io::Result<()> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs::File::open(parent.unwrap_or(Path::new("."))).await?.sync_all().await
}

/// A file of this machine that can't be used.
pub(crate) fn local(verb: &str, path: &Path, e: io::Error) -> Error {
    Error::new(Kind::Io, format!("can't {verb} {}: {e}", path.display())).with(|inner| {
        inner.source = Some(e.into());
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("windlass-draft-{name}-{}", std::process::id()))
    }

    #[tokio::test]
    async fn all_pieces_arrive_in_order() -> Result<(), Error> {
        let target = place("whole");
        let mut draft = Draft::beside(&target).await?;
        let piece = |number: u8| Bytes::from(vec![number; Draft::BUFFER / 3]);
        for number in 0..10 {
            draft.write(piece(number)).await?;
        }
        assert!(!target.exists());
        draft.keep(false).await?;
        let written = std::fs::read(&target).map_err(|e| local("read", &target, e))?;
        assert!(written == (0..10).flat_map(piece).collect::<Vec<u8>>());
        std::fs::remove_file(&target).map_err(|e| local("remove", &target, e))
    }

    #[tokio::test]
    async fn a_write_that_fails_behind_our_back_is_no_whole_file() -> Result<(), Error> {
        let target = place("failed");
        let mut draft = Draft::beside(&target).await?;
        draft.writing = Some(spawn_blocking(|| Err(io::ErrorKind::StorageFull.into())));
        draft.write(Bytes::from_static(b"the last piece")).await?;
        let e = draft.keep(false).await.err();
        assert_eq!(e.map(|e| e.kind()), Some(Kind::Io));
        assert!(!target.exists());
        Ok(())
    }
}
