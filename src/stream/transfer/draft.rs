//! Writing a local file while its content arrives.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::Transferred;
use super::atomic_file::{self, Begun, Links, Unfinished};
use super::blocking::{blocking, local};
use super::resuming::Resuming;
use crate::error::{Error, ErrorKind};
use crate::stream::background::Background;

/// A temporary file next to its target. Dropping it removes it.
pub(crate) struct Draft {
    writer: Writer,
    unfinished: Unfinished,
}

/// Writes pieces in the background while the next ones arrive.
struct Writer {
    /// The write in progress, which holds the file.
    writing: Option<JoinHandle<io::Result<File>>>,
    pieces: Vec<Bytes>,
    /// The size of the pieces.
    held: usize,
    /// For errors.
    target: PathBuf,
}

impl Draft {
    pub(crate) async fn begin(target: &Path, links: Links) -> Result<Self, Error> {
        let target = target.to_owned();
        // The result removes itself, even if nothing waits for it any more.
        let Begun { file, unfinished } = blocking(move || atomic_file::begin(&target, links)).await?;
        let writing = Some(spawn_blocking(|| Ok(file)));
        let target = unfinished.target().to_owned();
        Ok(Self { writer: Writer { writing, pieces: Vec::new(), held: 0, target }, unfinished })
    }

    pub(crate) async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        self.writer.write(piece).await
    }

    /// Writes all that comes.
    ///
    /// In a task of its own: there, a piece passes from the connection's task to this one without waking another thread.
    pub(super) async fn fill(self, mut flow: Resuming) -> Result<(Self, Transferred), Error> {
        let Self { mut writer, unfinished } = self;
        let filling = Background::run(async move {
            while let Some(piece) = flow.next().await? {
                writer.write(piece).await?;
            }
            Ok((writer, flow.progress()))
        });
        let ended = |e| Err(Error::new(ErrorKind::Interrupted, format!("the task that reads ended: {e}")));
        let (writer, progress) = filling.end().await.unwrap_or_else(ended)?;
        Ok((Self { writer, unfinished }, progress))
    }

    /// Sets the permissions, and renames the file to its target. Without a mode, it gets the permissions of the file it
    /// replaces, or those of a new file. `durable`: syncs it, so that it survives a power cut.
    pub(crate) async fn keep(self, mode: Option<u32>, durable: bool) -> Result<PathBuf, Error> {
        let Self { mut writer, unfinished } = self;
        writer.hand_over().await?;
        let file = writer.written().await?;
        blocking(move || unfinished.finish(&file, mode, durable)).await
    }
}

impl Writer {
    /// Large enough to keep the disk busy, small enough to be cheap.
    const BUFFER: usize = 1 << 20;

    async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        self.held += piece.len();
        self.pieces.push(piece);
        if self.held >= Self::BUFFER { self.hand_over().await } else { Ok(()) }
    }

    /// Starts writing the pieces, after the previous write.
    async fn hand_over(&mut self) -> Result<(), Error> {
        let mut file = self.written().await?;
        let pieces = std::mem::take(&mut self.pieces);
        self.held = 0;
        self.writing = Some(spawn_blocking(move || {
            atomic_file::write_all(&mut file, &pieces)?;
            Ok(file)
        }));
        Ok(())
    }

    /// The file, after the previous write.
    async fn written(&mut self) -> Result<File, Error> {
        let written = match self.writing.take() {
            Some(writing) => writing.await.unwrap_or_else(|e| Err(io::Error::other(e))),
            None => Err(io::Error::other("an earlier write failed")),
        };
        written.map_err(|e| local("write", &self.target, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("windlass-draft-{name}-{}", std::process::id()))
    }

    #[tokio::test]
    async fn all_pieces_arrive_in_order() -> Result<(), Error> {
        let target = place("whole");
        let mut draft = Draft::begin(&target, Links::Follow).await?;
        let piece = |number: u8| Bytes::from(vec![number; Writer::BUFFER / 3]);
        for number in 0..10 {
            draft.write(piece(number)).await?;
        }
        assert!(!target.exists());
        draft.keep(None, false).await?;
        let written = std::fs::read(&target).map_err(|e| local("read", &target, e))?;
        assert!(written == (0..10).flat_map(piece).collect::<Vec<u8>>());
        std::fs::remove_file(&target).map_err(|e| local("remove", &target, e))
    }

    #[tokio::test]
    async fn a_write_that_fails_behind_our_back_is_no_whole_file() -> Result<(), Error> {
        let target = place("failed");
        let mut draft = Draft::begin(&target, Links::Follow).await?;
        draft.writer.writing = Some(spawn_blocking(|| Err(io::ErrorKind::StorageFull.into())));
        draft.write(Bytes::from_static(b"the last piece")).await?;
        let e = draft.keep(None, false).await.err();
        assert_eq!(e.map(|e| e.kind()), Some(ErrorKind::Io));
        assert!(!target.exists());
        Ok(())
    }
}
