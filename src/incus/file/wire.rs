//! The connection below SFTP: bounds the length of its packets, and tells all waiting calls when it ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The other side closed or lost it.
    Broken,
    /// It sent something that isn't a packet.
    NotUnderstood,
}

/// Tells how the connection ended.
#[derive(Debug, Clone)]
pub(super) struct End(watch::Receiver<Option<Ended>>);

impl End {
    pub(super) async fn wait(&self) -> Ended {
        let mut told = self.0.clone();
        // The sender sends before it is dropped.
        told.wait_for(Option::is_some).await.ok().and_then(|ended| *ended).unwrap_or(Ended::Broken)
    }
}

/// A connection that bounds the length of its packets.
pub(super) struct Wire<S> {
    stream: S,
    /// The bytes of the length field read so far.
    head: u32,
    /// Their number.
    known: u8,
    /// Bytes left of the packet.
    left: u32,
    end: watch::Sender<Option<Ended>>,
}

impl<S> Wire<S> {
    /// The longest packet accepted. A longer one means that the server doesn't speak this protocol.
    pub(super) const LONGEST: u32 = 256 << 10;

    pub(super) fn new(stream: S) -> (Self, End) {
        let (end, told) = watch::channel(None);
        (Self { stream, head: 0, known: 0, left: 0, end }, End(told))
    }

    /// The first reason is kept.
    fn tell(&self, how: Ended) {
        self.end.send_if_modified(|told| match told {
            Some(_) => false,
            None => {
                *told = Some(how);
                true
            }
        });
    }

    fn measure(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let part = bytes.len().min(self.left as usize);
                self.left -= u32::try_from(part).unwrap_or(self.left);
                bytes = &bytes[part..];
                continue;
            }
            (self.head, self.known, bytes) = (self.head << 8 | u32::from(*first), self.known + 1, rest);
            if self.known == 4 {
                (self.left, self.head, self.known) = (self.head, 0, 0);
                if !(1..=Self::LONGEST).contains(&self.left) {
                    self.tell(Ended::NotUnderstood);
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "no SFTP packet has such a length",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The reader has given up: because of an invalid packet, unless the connection ended before.
impl<S> Drop for Wire<S> {
    fn drop(&mut self) {
        self.tell(Ended::NotUnderstood);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let (before, room) = (into.filled().len(), into.remaining());
        let read = ready!(Pin::new(&mut this.stream).poll_read(context, into));
        if read.is_err() || (room > 0 && into.filled().len() == before) {
            this.tell(Ended::Broken);
        }
        Poll::Ready(read.and_then(|()| this.measure(&into.filled()[before..])))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        if written.is_err() {
            self.tell(Ended::Broken);
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes in pieces of this size.
    fn measured(bytes: &[u8], piece: usize) -> (bool, Wire<()>) {
        let (mut wire, _end) = Wire::new(());
        let good = bytes.chunks(piece).all(|piece| wire.measure(piece).is_ok());
        (good, wire)
    }

    #[test]
    fn packets_are_measured_however_they_are_cut() {
        let packets = [&[0, 0, 0, 3, 9, 9, 9][..], &[0, 4, 0, 0], &vec![1; 256 << 10], &[0, 0]].concat();
        for piece in [1, 2, 3, 4, 5, 1_000, packets.len()] {
            let (good, wire) = measured(&packets, piece);
            assert!(good && (wire.known, wire.left) == (2, 0), "{piece}");
        }
    }

    #[test]
    fn lengths_that_no_packet_has() {
        for bad in [[0, 0, 0, 0], [0, 4, 0, 1], [0xff; 4], *b"HTTP"] {
            let (good, wire) = measured(&bad, 1);
            assert!(!good && *wire.end.borrow() == Some(Ended::NotUnderstood), "{bad:?}");
        }
    }
}
