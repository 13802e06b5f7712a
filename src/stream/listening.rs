//! A connection whose reading outlives its writing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that can be read to its end even if writing fails.
///
/// Servers send the last frames of a stream and drop the connection. The pong to an earlier ping would then fail, and
/// with it the reading of data that has already arrived.
pub(super) struct Listening<C> {
    connection: C,
    /// The first error of a write.
    pub(super) gone: Option<io::ErrorKind>,
}

impl<C> Listening<C> {
    pub(super) fn to(connection: C) -> Self {
        Self { connection, gone: None }
    }

    /// Records a failed write, and reports success.
    fn pass<T>(&mut self, written: Poll<io::Result<T>>, as_if: T) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(e)) if is_gone(e.kind()) => {
                self.gone = Some(e.kind());
                Poll::Ready(Ok(as_if))
            }
            other => other,
        }
    }
}

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected)
}

impl<C: AsyncRead + Unpin> AsyncRead for Listening<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, into)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Listening<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(context, bytes);
        self.pass(written, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.connection).poll_flush(context);
        self.pass(flushed, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.connection).poll_shutdown(context);
        self.pass(shut, ())
    }
}
