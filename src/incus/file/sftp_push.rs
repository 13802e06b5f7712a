//! A large file over SFTP. Servers take it about twice as fast as the body of a request.

use std::future::ready;

use futures_util::TryStreamExt;
use russh_sftp::protocol::{FileAttributes, OpenFlags};

use super::push::Owner;
use super::sftp::{Failed, Sftp, owned, told};
use crate::error::Error;
use crate::transport::Body;

/// Less overhead than the usual 32 KiB; all servers take a packet of 256 KiB.
const PIECE: usize = 128 << 10;
/// How many pieces are on their way at a time.
const AT_ONCE: usize = 16;

impl Sftp {
    /// Replaces all that is in a file. The body watches for a server that takes nothing.
    pub(super) async fn push(&self, path: &str, body: Body, owner: &Owner) -> Result<(), Error> {
        // As the server opens it for the body of a request: a pipe without a reader doesn't block.
        let flags = OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let opened = self.ask(self.session.open(path, flags, FileAttributes::empty())).await;
        let handle = opened.map_err(|e| told(path, e))?.handle;
        let written = self.push_to(&handle, body, owner).await.map_err(|e| told(path, e));
        let closed = self.close(path, handle).await;
        written.and(closed)
    }

    async fn push_to(&self, handle: &str, body: Body, owner: &Owner) -> Result<(), Failed> {
        // Before the first byte, so that the content is never readable to others.
        self.give(handle, owner).await?;
        let mut at = 0;
        let writes = body.pieces().map_err(Failed::Unread).map_ok(|whole| {
            let from = at;
            at += whole.len() as u64;
            (from, whole)
        });
        let pieces = writes.map_ok(|(from, whole)| {
            let starts = (0..whole.len()).step_by(PIECE);
            let cut = starts.map(move |start| {
                let end = whole.len().min(start + PIECE);
                Ok((from + start as u64, whole.slice(start..end)))
            });
            futures_util::stream::iter(cut)
        });
        let answers = pieces
            .try_flatten()
            .map_ok(|(from, piece)| self.answer(self.session.write(handle, from, piece.to_vec())));
        answers.try_buffer_unordered(AT_ONCE).try_for_each(|_| ready(Ok(()))).await
    }

    async fn give(&self, handle: &str, owner: &Owner) -> Result<(), Failed> {
        let Owner { uid, gid, mode } = *owner;
        if uid.or(gid).or(mode).is_none() {
            return Ok(());
        }
        let found = match uid.or(gid) {
            Some(_) => self.ask(self.session.fstat(handle)).await?.attrs,
            None => FileAttributes::empty(),
        };
        self.ask(self.session.fsetstat(handle, owned(&found, uid, gid, mode))).await.map(drop)
    }
}
