//! Standard input: the caller's writer and the driver's reader.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

use crate::error::{Error, ErrorKind, Sent};

/// The size of the buffer. When it is full, the writer waits.
const BUFFER: usize = 64 * 1024;

/// A writer to the standard input of a running command. From [`Process::take_stdin`](super::Process::take_stdin).
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// let mut sort = web.exec(["sort"]).pipe_stdin().spawn().await?;
/// if let Some(mut stdin) = sort.take_stdin() {
///     stdin.write_all(b"pear\napple\n").await?;
///     stdin.close();                              // the command sees the end of its input
/// }
/// print!("{}", sort.output().await?.success()?.stdout_text());
/// # Ok(()) }
/// ```
///
/// It implements [`tokio::io::AsyncWrite`], so `tokio::io::copy` works, too. If the command doesn't read, writing
/// waits; if the command also waits for its output to be read, read it in another task. Dropping the writer ends the
/// input.
///
/// Writing fails once the command has ended. Where the API only shows the end of the output, that is noticed after a
/// second without a write.
pub struct Stdin(DuplexStream);

impl Stdin {
    /// Writes all bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`] if the command no longer reads its input.
    pub async fn write_all(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        self.0.write_all(bytes.as_ref()).await.map_err(|e| {
            Error::new(ErrorKind::Interrupted, "the command reads no more input").with(|inner| {
                inner.sent = Sent::Unknown;
                inner.source = Some(e.into());
            })
        })
    }

    /// Ends the input, as dropping does.
    pub fn close(self) {}
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The source of a command's input.
#[derive(Debug, Clone)]
pub(crate) enum StdinSource {
    /// These bytes, then the end.
    Bytes(Bytes),
    /// A [`Stdin`] for the caller to take.
    Pipe,
}

/// The driver's reader of standard input. Dropping it makes writes fail.
pub(crate) struct Input(Origin);

enum Origin {
    Bytes(Bytes),
    Pipe(DuplexStream),
}

impl Input {
    pub(crate) fn new(source: StdinSource) -> (Self, Option<Stdin>) {
        match source {
            StdinSource::Bytes(bytes) => (Self(Origin::Bytes(bytes)), None),
            StdinSource::Pipe => {
                let (writer, reader) = duplex(BUFFER);
                (Self(Origin::Pipe(reader)), Some(Stdin(writer)))
            }
        }
    }

    /// The next piece, of up to `most` bytes. `None` at the end. Cancel safe.
    pub(crate) async fn next(&mut self, most: usize) -> Option<Bytes> {
        match &mut self.0 {
            Origin::Bytes(bytes) => {
                let piece = bytes.split_to(bytes.len().min(most));
                (!piece.is_empty()).then_some(piece)
            }
            Origin::Pipe(pipe) => {
                let mut piece = BytesMut::with_capacity(most.min(BUFFER));
                // An in-memory pipe can't fail.
                let read = (&mut *pipe).take(most as u64).read_buf(&mut piece).await.unwrap_or(0);
                (read > 0).then(|| piece.freeze())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_in_pieces_and_end() {
        let (mut input, stdin) = Input::new(StdinSource::Bytes(Bytes::from_static(b"abcde")));
        assert!(stdin.is_none());
        for expected in [Some("abc"), Some("de"), None, None] {
            assert_eq!(input.next(3).await.as_deref(), expected.map(str::as_bytes));
        }
    }

    #[tokio::test]
    async fn a_pipe_holds_the_writer_back_and_ends_with_it() {
        let (mut input, stdin) = Input::new(StdinSource::Pipe);
        let mut stdin = stdin.unwrap_or_else(|| unreachable!());
        let writer = tokio::spawn(async move {
            stdin.write_all(vec![7; 3 * BUFFER]).await.map(|()| stdin.close()).map_err(|e| e.kind())
        });
        tokio::task::yield_now().await;
        assert!(!writer.is_finished(), "no data has been read yet");
        let mut read = 0;
        while let Some(piece) = input.next(4096).await {
            assert!(piece.len() <= 4096);
            read += piece.len();
        }
        assert_eq!(read, 3 * BUFFER);
        assert_eq!(writer.await.ok(), Some(Ok(())));
    }

    #[tokio::test]
    async fn writing_to_what_has_ended_is_an_error() {
        let (input, stdin) = Input::new(StdinSource::Pipe);
        drop(input);
        let mut stdin = stdin.unwrap_or_else(|| unreachable!());
        assert_eq!(stdin.write_all(b"x").await.map_err(|e| e.kind()), Err(ErrorKind::Interrupted));
    }
}
