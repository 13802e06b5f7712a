//! Comparing the bytes of a blob with its checksum.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use ring::digest::{Context, SHA512};

use crate::error::{Error, ErrorKind, Sent};

/// The checksum of what has been read.
struct Sum {
    context: Context,
    at: u64,
}

impl Sum {
    fn new() -> Self {
        Self { context: Context::new(&SHA512), at: 0 }
    }

    fn add(&mut self, piece: &[u8]) {
        self.context.update(piece);
        self.at += piece.len() as u64;
    }

    fn hex(&self) -> String {
        hex(self.context.clone().finish().as_ref())
    }
}

/// A checksum that is kept when a broken read continues.
#[derive(Clone)]
pub(super) struct SharedSum(Arc<Mutex<Sum>>);

impl Default for SharedSum {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Sum::new())))
    }
}

impl SharedSum {
    fn lock(&self) -> MutexGuard<'_, Sum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is the checksum of the bytes before this one. It starts again at the first byte.
    pub(super) fn continues_at(&self, from: u64) -> bool {
        let mut sum = self.lock();
        if from == 0 {
            *sum = Sum::new();
        }
        sum.at == from
    }
}

/// Bytes in hexadecimal.
pub(in crate::shakenfist) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The checksum that the bytes must have.
pub(super) struct Check {
    sum: SharedSum,
    wanted: Option<String>,
}

impl Check {
    pub(super) fn new(sum: &SharedSum, wanted: Option<String>) -> Self {
        Self { sum: sum.clone(), wanted }
    }

    fn add(&self, piece: &[u8]) {
        if self.wanted.is_some() {
            self.sum.lock().add(piece);
        }
    }

    fn verdict(&self) -> Result<(), Error> {
        match &self.wanted {
            Some(wanted) if !wanted.eq_ignore_ascii_case(&self.sum.lock().hex()) => {
                let message = "the blob doesn't have the SHA-512 that the server knows of it";
                Err(Error::new(ErrorKind::BadReply, message).with(|e| e.sent = Sent::Yes))
            }
            _ => Ok(()),
        }
    }
}

pub(super) type Body = BoxStream<'static, Result<Bytes, Error>>;

/// At most the bytes that are left. At the end, compares the checksum.
pub(super) fn checked_body(body: Body, left: Option<u64>, check: Check) -> Body {
    let state = (body, left, check);
    let checked = try_unfold(state, |(mut body, left, check)| async move {
        if left == Some(0) {
            return check.verdict().map(|()| None);
        }
        let Some(mut piece) = body.try_next().await? else {
            // If the size isn't known, this is the end. Otherwise it is too early, which the reader notices.
            return if left.is_none() { check.verdict().map(|()| None) } else { Ok(None) };
        };
        if let Some(left) = left {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        check.add(&piece);
        let left = left.map(|left| left.saturating_sub(piece.len() as u64));
        Ok(Some((piece, (body, left, check))))
    });
    checked.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(
        pieces: &[&'static str],
        left: Option<u64>,
        wanted: Option<&str>,
    ) -> Result<String, ErrorKind> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        let check = Check::new(&SharedSum::default(), wanted.map(str::to_owned));
        let body = checked_body(futures_util::stream::iter(pieces).boxed(), left, check);
        let all: Vec<Bytes> = body.try_collect().await.map_err(|e| e.kind())?;
        Ok(all.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect())
    }

    #[tokio::test]
    async fn what_was_read_is_compared() {
        let mut sum = Sum::new();
        sum.add(b"hello");
        let hash = sum.hex();
        assert!(hash.starts_with("9b71d224bd62f378"), "{hash}");
        assert_eq!(read(&["hel", "lo"], Some(5), Some(&hash)).await, Ok("hello".to_owned()));
        assert_eq!(read(&["hel", "lo"], None, Some(&hash.to_uppercase())).await, Ok("hello".to_owned()));
        assert_eq!(read(&["hel", "lp"], Some(5), Some(&hash)).await, Err(ErrorKind::BadReply));
        assert_eq!(read(&["hel", "lp"], Some(5), None).await, Ok("hellp".to_owned()));
        // Too short: the pull itself notices, and continues from there.
        assert_eq!(read(&["hel"], Some(5), Some(&hash)).await, Ok("hel".to_owned()));
    }

    #[tokio::test]
    async fn no_more_than_was_asked_for() {
        assert_eq!(read(&["hello", "world"], Some(7), None).await, Ok("hellowo".to_owned()));
    }
}
