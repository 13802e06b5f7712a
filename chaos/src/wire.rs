//! HTTP/1.1 messages as bytes: where they end, and the little that the proxy must know of them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// A whole message.
#[derive(Debug, Clone)]
pub struct Message {
    /// All of it.
    pub bytes: Vec<u8>,
    /// The length of its head.
    pub head: usize,
}

/// How long a body is.
enum Length {
    Known(usize),
    Chunked,
    ToTheEnd,
}

impl Message {
    /// A message that has ended. `None` if it has no whole head.
    pub fn whole(bytes: Vec<u8>) -> Option<Self> {
        let head = find(&bytes, b"\r\n\r\n")? + 4;
        Some(Self { bytes, head })
    }

    /// Its first line.
    pub fn first_line(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..self.head]).lines().next().unwrap_or_default().to_owned()
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.bytes[..self.head], name)
    }

    /// The status of an answer.
    pub fn status(&self) -> u16 {
        self.first_line().split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default()
    }

    /// The body without its chunks.
    pub fn unchunked(&self) -> Vec<u8> {
        let mut rest = &self.bytes[self.head..];
        if self.body().is_some() {
            return rest.to_vec();
        }
        let mut whole = Vec::new();
        while let Some(end) = find(rest, b"\r\n") {
            let size =
                std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
            let Some(size @ 1..) = size else { break };
            whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
            rest = &rest[end + 4 + size..];
        }
        whole
    }

    /// The body as it was sent. `None` if it is in chunks.
    pub fn body(&self) -> Option<&[u8]> {
        self.header("transfer-encoding").is_none().then(|| &self.bytes[self.head..])
    }
}

/// Reads a request whose first bytes are there already. `None` if the client goes away before its end.
pub async fn request(from: &mut (impl AsyncRead + Unpin), first: Vec<u8>) -> Option<Message> {
    read(from, first, |head| length(head).unwrap_or(Length::Known(0))).await.ok()
}

/// Reads the answer to a request with this method.
pub async fn answer(from: &mut (impl AsyncRead + Unpin), method: &str) -> io::Result<Message> {
    let bare = method == "HEAD";
    read(from, Vec::new(), |head| match head.get(9..12) {
        Some(b"101" | b"204" | b"304") => Length::Known(0),
        _ if bare => Length::Known(0),
        _ => length(head).unwrap_or(Length::ToTheEnd),
    })
    .await
}

async fn read(
    from: &mut (impl AsyncRead + Unpin),
    mut bytes: Vec<u8>,
    length: impl FnOnce(&[u8]) -> Length,
) -> io::Result<Message> {
    let head = loop {
        match find(&bytes, b"\r\n\r\n") {
            Some(end) => break end + 4,
            None => more(from, &mut bytes).await?,
        }
    };
    match length(&bytes[..head]) {
        Length::Known(body) => {
            while bytes.len() < head + body {
                more(from, &mut bytes).await?;
            }
        }
        Length::Chunked => {
            while !bytes[head..].ends_with(b"0\r\n\r\n") {
                more(from, &mut bytes).await?;
            }
        }
        Length::ToTheEnd => _ = from.read_to_end(&mut bytes).await?,
    }
    Ok(Message { bytes, head })
}

async fn more(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<()> {
    match from.read_buf(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn length(head: &[u8]) -> Option<Length> {
    if header(head, "transfer-encoding").is_some() {
        return Some(Length::Chunked);
    }
    header(head, "content-length")?.parse().ok().map(Length::Known)
}

fn header(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let lines = text.lines().skip(1);
    let mut found = lines.filter_map(|line| line.split_once(':'));
    let (_, value) = found.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value.trim().to_owned())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
