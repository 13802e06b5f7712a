//! Collecting output in memory, up to a limit.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::output::{ExitStatus, Output};
use super::{Piece, Process};
use crate::error::{Error, ErrorKind, Sent};

/// The collected output of a command.
pub(crate) struct Collected {
    most: u64,
    both: Mutex<Both>,
}

#[derive(Default)]
struct Both {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Collected {
    /// Collects at most `most` bytes, of both streams together.
    pub(crate) fn up_to(most: u64) -> Self {
        Self { most, both: Mutex::default() }
    }

    /// Adds what fits. Fails if something doesn't.
    pub(crate) fn add(&self, piece: &Piece) -> Result<(), Error> {
        // Nothing is left half-done if a thread panics.
        let mut both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        let room = most.saturating_sub(both.stdout.len()).saturating_sub(both.stderr.len());
        let (all, bytes) = match piece {
            Piece::Stdout(bytes) => (&mut both.stdout, bytes),
            Piece::Stderr(bytes) => (&mut both.stderr, bytes),
        };
        let kept = bytes.get(..room).unwrap_or(bytes);
        make_room(all, kept.len(), room);
        all.extend_from_slice(kept);
        if kept.len() < bytes.len() { Err(self.too_much()) } else { Ok(()) }
    }

    fn too_much(&self) -> Error {
        let message = format!(
            "the command wrote more than {} bytes, the limit that max_output() or Limits::output() sets",
            self.most
        );
        Error::new(ErrorKind::LimitExceeded, message).with(|e| e.sent = Sent::Yes)
    }

    /// The output of a command that has ended.
    pub(crate) fn end(self, status: ExitStatus) -> Output {
        let Both { stdout, stderr } = self.both.into_inner().unwrap_or_else(PoisonError::into_inner);
        Output { status, stdout, stderr }
    }

    /// Adds the output so far to an error.
    pub(crate) fn fail(self, e: Error) -> Error {
        let Both { stdout, stderr } = self.both.into_inner().unwrap_or_else(PoisonError::into_inner);
        e.with(|inner| inner.output = Some((Bytes::from(stdout), Bytes::from(stderr))))
    }
}

/// Doubles the capacity, but never beyond what can be needed.
fn make_room(all: &mut Vec<u8>, more: usize, room: usize) {
    if all.capacity() - all.len() < more {
        let most = all.len().saturating_add(room);
        let wanted = all.capacity().saturating_mul(2).min(most).max(all.len().saturating_add(more));
        all.reserve_exact(wanted - all.len());
    }
}

impl Process {
    /// Reads the rest of the output, and waits for the end.
    ///
    /// The output is limited to 64 MiB, both streams together, unless the command was started with another
    /// `max_output`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] if there is more output; the command is killed, as if the process were dropped.
    /// Otherwise those of [`wait`](Self::wait). The output up to the error is in [`Error::stdout`] and
    /// [`Error::stderr`].
    pub async fn output(mut self) -> Result<Output, Error> {
        self.take_stdin();
        let collected = Collected::up_to(self.most);
        match self.collect(&collected).await {
            Ok(status) => Ok(collected.end(status)),
            Err(e) => Err(collected.fail(e)),
        }
    }

    async fn collect(&mut self, collected: &Collected) -> Result<ExitStatus, Error> {
        while let Some(piece) = self.pieces.next().await {
            self.labelled(piece.and_then(|piece| collected.add(&piece)))?;
        }
        self.ended().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(bytes: &'static [u8]) -> Piece {
        Piece::Stdout(Bytes::from_static(bytes))
    }

    fn err(bytes: &'static [u8]) -> Piece {
        Piece::Stderr(Bytes::from_static(bytes))
    }

    #[test]
    fn both_outputs_count_together_and_what_fits_is_kept() {
        let collected = Collected::up_to(5);
        assert!(collected.add(&out(b"abc")).is_ok() && collected.add(&err(b"de")).is_ok());
        assert!(collected.add(&out(b"")).is_ok());
        let e =
            collected.add(&out(b"f")).err().map(|e| (e.kind(), e.message().contains("more than 5 bytes")));
        assert_eq!(e, Some((ErrorKind::LimitExceeded, true)));
        let output = collected.end(ExitStatus::new(0));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"abc"[..], &b"de"[..]));
        let collected = Collected::up_to(4);
        let e = collected.add(&out(b"abcdef")).err().map(|e| collected.fail(e));
        assert_eq!(e.as_ref().and_then(Error::stdout), Some(&b"abcd"[..]));
        assert_eq!(e.as_ref().and_then(Error::stderr), Some(&b""[..]));
    }

    #[test]
    fn no_limit_and_none_at_all() {
        let collected = Collected::up_to(u64::MAX);
        assert!(collected.add(&out(b"abc")).is_ok());
        let collected = Collected::up_to(0);
        assert!(collected.add(&out(b"")).is_ok() && collected.add(&err(b"a")).is_err());
    }

    #[test]
    fn memory_grows_by_doubling_up_to_the_limit() {
        let collected = Collected::up_to(1_000);
        let mut grown = 0;
        for _ in 0..125 {
            let before = collected.both.lock().map(|both| both.stdout.capacity()).unwrap_or_default();
            assert!(collected.add(&out(b"12345678")).is_ok());
            let after = collected.both.lock().map(|both| both.stdout.capacity()).unwrap_or_default();
            assert!(after <= 1_000);
            grown += u32::from(after > before);
        }
        assert!(grown < 12, "{grown}");
    }
}
