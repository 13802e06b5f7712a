//! Multipart bodies: several files in one stream (RFC 7578).

use bytes::{Bytes, BytesMut};

use super::Download;
use crate::error::{Error, ErrorKind, Sent};

/// Reads the files of a multipart body one after the other, in bounded memory.
pub(crate) struct Multipart {
    download: Download,
    buffer: BytesMut,
    /// The end of a file: a line break, two dashes and the boundary.
    mark: Vec<u8>,
    /// Whether the position is inside a file.
    inside: bool,
}

impl Multipart {
    /// The limit on the header of a file.
    const HEAD: usize = 16 << 10;

    pub(crate) fn new(download: Download, boundary: &str) -> Self {
        // The first boundary may come first, without a line break before it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { download, buffer, mark: format!("\r\n--{boundary}").into_bytes(), inside: true }
    }

    /// Moves to the next file, and returns its `Content-Disposition`. `None` after the last.
    pub(crate) async fn part(&mut self) -> Result<Option<String>, Error> {
        // Skips the text before the first boundary, and the unread rest of a file.
        while self.piece().await?.is_some() {}
        self.fill(2).await?;
        if self.buffer.starts_with(b"--") {
            return Ok(None);
        }
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if self.buffer.len() > Self::HEAD {
                return Err(broken(ErrorKind::BadReply, "the header of a file is too long"));
            }
            self.more().await?;
        };
        let head = self.buffer.split_to(end + 4);
        self.inside = true;
        let head = String::from_utf8_lossy(&head).into_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-disposition").then(|| value.trim().to_owned())
        };
        Ok(Some(head.lines().find_map(field).unwrap_or_default()))
    }

    /// The next piece of the file. `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        while self.inside {
            if let Some(end) = find(&self.buffer, &self.mark) {
                let last = self.buffer.split_to(end).freeze();
                let _ = self.buffer.split_to(self.mark.len());
                self.inside = false;
                return Ok((!last.is_empty()).then_some(last));
            }
            // The last bytes may be the beginning of the boundary.
            let sure = self.buffer.len().saturating_sub(self.mark.len() - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.more().await?;
        }
        Ok(None)
    }

    async fn fill(&mut self, least: usize) -> Result<(), Error> {
        while self.buffer.len() < least {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), Error> {
        match self.download.next().await.transpose()? {
            Some(piece) => self.buffer.extend_from_slice(&piece),
            None => return Err(broken(ErrorKind::Interrupted, "the content ends in the middle of a file")),
        }
        Ok(())
    }
}

fn broken(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, message).with(|e| e.sent = Sent::Yes)
}

/// The position of `needle`.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = hay.get(from..)?.iter().position(|byte| *byte == first) {
        if hay[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    /// Reads a multipart body that comes in pieces of `size` bytes.
    async fn read(text: &str, size: usize) -> Result<Vec<(String, String)>, Error> {
        let pieces: Vec<_> =
            text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut form = Multipart::new(Download::of(futures_util::stream::iter(pieces).boxed()), "b0");
        let mut files = Vec::new();
        while let Some(head) = form.part().await? {
            let mut all = Vec::new();
            while let Some(piece) = form.piece().await? {
                all.extend_from_slice(&piece);
            }
            files.push((head, String::from_utf8_lossy(&all).into_owned()));
        }
        Ok(files)
    }

    const FORM: &str = "--b0\r\nContent-Disposition: form-data; name=\"a\"\r\nX: y\r\n\r\none\r\n--b\r\n--\r\n--b0\r\n\
                        content-disposition: form-data; name=\"b\"\r\n\r\n\r\n--b0--\r\n";

    #[tokio::test]
    async fn files_of_a_form_in_pieces_of_any_size() -> Result<(), Error> {
        for size in 1..FORM.len() {
            let files = read(FORM, size).await?;
            let expected = [("form-data; name=\"a\"", "one\r\n--b\r\n--"), ("form-data; name=\"b\"", "")];
            assert_eq!(files, expected.map(|(head, file)| (head.to_owned(), file.to_owned())), "{size}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_form_that_breaks_off_is_no_form() {
        for length in 0..FORM.len() - 4 {
            assert!(
                read(&FORM[..length], 7).await.is_err_and(|e| e.kind() == ErrorKind::Interrupted),
                "{length}"
            );
        }
    }
}
