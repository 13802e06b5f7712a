//! Reading a local file while the connection takes what was read before.

use std::fs::File;
use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use tokio::task::{JoinHandle, spawn_blocking};

/// Read at once: enough that changing threads costs little, and little enough to stay in the processor's cache.
const BLOCK: usize = 512 << 10;

/// The first `length` bytes of a file, in pieces of at most `piece` bytes. A shorter file is an error.
pub(super) fn pieces(file: File, length: u64, piece: usize) -> BoxStream<'static, io::Result<Bytes>> {
    let mut ahead = Ahead { reading: None, left: length, block: Bytes::new(), given: Default::default() };
    ahead.start(file);
    try_unfold(ahead, move |mut ahead| async move {
        let piece = ahead.next(piece).await?;
        Ok(piece.map(|piece| (piece, ahead)))
    })
    .boxed()
}

struct Ahead {
    reading: Option<JoinHandle<io::Result<(File, BytesMut)>>>,
    /// Bytes that haven't been read.
    left: u64,
    /// What is left of the last block.
    block: Bytes,
    /// The last blocks, whose memory is used again once nothing else refers to it.
    given: [Bytes; 2],
}

impl Ahead {
    async fn next(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        if self.block.is_empty()
            && let Some(reading) = self.reading.take()
        {
            let (file, block) = reading.await.map_err(io::Error::other)??;
            self.took(file, block)?;
        }
        let piece = self.block.split_to(most.min(self.block.len()));
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    fn took(&mut self, file: File, block: BytesMut) -> io::Result<()> {
        if block.is_empty() {
            return Err(too_short(self.left));
        }
        self.left = self.left.saturating_sub(block.len() as u64);
        self.block = block.freeze();
        self.start(file);
        self.given.swap(0, 1);
        self.given[0] = self.block.clone();
        Ok(())
    }

    fn start(&mut self, file: File) {
        let size = usize::try_from(self.left).unwrap_or(usize::MAX).min(BLOCK);
        if size > 0 {
            let spare = std::mem::take(&mut self.given[1]).try_into_mut().unwrap_or_default();
            self.reading = Some(spawn_blocking(move || read(file, spare, size)));
        }
    }
}

/// Reads `size` bytes, or up to the end of the file.
fn read(mut file: File, mut block: BytesMut, size: usize) -> io::Result<(File, BytesMut)> {
    block.resize(size, 0);
    let mut read = 0;
    while read < size {
        match file.read(&mut block[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    block.truncate(read);
    Ok((file, block))
}

/// The error of content that is shorter than announced.
pub(super) fn too_short(left: u64) -> io::Error {
    let message = format!("the content ended {left} bytes before its announced length");
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn all_of_the_file_and_no_more_than_was_announced() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("windlass-ahead-{}", std::process::id()));
        let content: Vec<u8> = (0..5 * BLOCK + 77).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content)?;
        let file = File::open(&path);
        std::fs::remove_file(&path)?;
        let file = file?;
        for length in [1, BLOCK, BLOCK + 1, content.len(), content.len() + 1] {
            io::Seek::rewind(&mut &file)?;
            let read: io::Result<Vec<Bytes>> =
                pieces(file.try_clone()?, length as u64, 1_000).try_collect().await;
            match content.get(..length) {
                Some(part) => assert!(read?.concat() == part, "{length}"),
                None => assert_eq!(read.map_err(|e| e.kind()), Err(io::ErrorKind::UnexpectedEof)),
            }
        }
        Ok(())
    }
}
