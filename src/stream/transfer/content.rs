//! What is pushed: bytes, a file, or the output of a reader.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::blocking::local;
use crate::error::{Error, ErrorKind};

/// What to push to a server.
///
/// ```no_run
/// use windlass::Content;
/// # async fn demo(web: windlass::incus::Instance, pipe: tokio::process::ChildStdout) -> windlass::Result<()> {
/// web.push(Content::file("motd")).to("/etc/motd").await?;
/// web.push(Content::bytes("hello\n")).to("/etc/motd").await?;
/// web.push(Content::reader(pipe)).to("/root/dump").await?;
/// # Ok(()) }
/// ```
///
/// [`Path`] and [`PathBuf`] convert into a file of this machine, `Vec<u8>` and [`Bytes`] into their bytes. A `&str` doesn't
/// convert: it could mean either.
pub struct Content(Repr);

enum Repr {
    Bytes(Bytes),
    File(PathBuf),
    Reader { reader: Reader, length: Option<u64> },
    Chain(Vec<Content>),
}

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// The pieces of what is pushed.
pub(crate) struct Pieces {
    pub(crate) length: Option<u64>,
    pub(crate) pieces: BoxStream<'static, io::Result<Bytes>>,
}

impl Content {
    /// A regular file of this machine. It is opened when the push begins.
    ///
    /// A file of size 0 is read to its end all the same: those in `/proc` only seem empty.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self(Repr::File(path.as_ref().to_owned()))
    }

    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Repr::Bytes(bytes.into()))
    }

    /// What a reader gives, to its end; the size is not known ahead. It can be read only once.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Repr::Reader { reader: Box::pin(reader), length: None })
    }

    /// What a reader gives, which must be exactly `length` bytes.
    pub fn sized_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self(Repr::Reader { reader: Box::pin(reader), length: Some(length) })
    }

    /// Whether it can be read more than once.
    #[cfg_attr(not(feature = "shakenfist"), allow(dead_code))]
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self.0, Repr::Reader { .. })
    }

    /// One after the other.
    pub(crate) fn chain(parts: Vec<Self>) -> Self {
        Self(Repr::Chain(parts))
    }

    /// The pieces, and what is left for another try: nothing of a reader.
    pub(crate) async fn open(self) -> Result<(Pieces, Option<Self>), Error> {
        match self.0 {
            Repr::Bytes(bytes) => {
                let pieces = Pieces { length: Some(bytes.len() as u64), pieces: cut(bytes.clone()).boxed() };
                Ok((pieces, Some(Self(Repr::Bytes(bytes)))))
            }
            Repr::File(path) => {
                let pieces = open(&path).await?;
                Ok((pieces, Some(Self(Repr::File(path)))))
            }
            Repr::Reader { reader, length: Some(length) } => {
                Ok((Pieces { length: Some(length), pieces: exactly(reader, length) }, None))
            }
            Repr::Reader { reader, length: None } => {
                Ok((Pieces { length: None, pieces: read(reader).boxed() }, None))
            }
            Repr::Chain(parts) => open_all(parts).await,
        }
    }
}

async fn open_all(parts: Vec<Content>) -> Result<(Pieces, Option<Content>), Error> {
    let (mut length, mut all, mut spares) = (Some(0), Vec::new(), Some(Vec::new()));
    for part in parts {
        // A chain has no chains in it, but the compiler can't know.
        let (pieces, spare) = Box::pin(part.open()).await?;
        length = length.zip(pieces.length).and_then(|(all, one): (u64, u64)| all.checked_add(one));
        all.push(pieces.pieces);
        spares = spares.zip(spare).map(|(mut spares, spare)| {
            spares.push(spare);
            spares
        });
    }
    let pieces = stream::iter(all).flatten().boxed();
    Ok((Pieces { length, pieces }, spares.map(Content::chain)))
}

/// How much is read, and sent, at a time.
const PIECE: usize = 256 << 10;

async fn open(path: &Path) -> Result<Pieces, Error> {
    let unreadable = |e| local("read", path, e);
    // Looked at first: to open a pipe is to wait for somebody who writes to it.
    regular(path, &tokio::fs::metadata(path).await.map_err(unreadable)?)?;
    let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let data = file.metadata().await.map_err(unreadable)?;
    regular(path, &data)?;
    file.set_max_buf_size(PIECE);
    match data.len() {
        0 => unsized_file(file).await.map_err(unreadable),
        length => Ok(Pieces { length: Some(length), pieces: exactly(Box::pin(file), length) }),
    }
}

fn regular(path: &Path, found: &std::fs::Metadata) -> Result<(), Error> {
    match found.is_file() {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::Io, format!("can't push {}: it is no regular file", path.display())))
        }
    }
}

/// A file that is said to be empty, as those of `/proc` are: only reading tells how long it is.
async fn unsized_file(file: tokio::fs::File) -> io::Result<Pieces> {
    let mut pieces = read(file).boxed();
    Ok(match pieces.next().await.transpose()? {
        None => Pieces { length: Some(0), pieces: stream::empty().boxed() },
        Some(first) => Pieces { length: None, pieces: stream::iter([Ok(first)]).chain(pieces).boxed() },
    })
}

fn cut(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::iter((0..bytes.len()).step_by(PIECE).map(move |from| {
        let to = bytes.len().min(from + PIECE);
        Ok(bytes.slice(from..to))
    }))
}

fn read(reader: impl AsyncRead + Send + Unpin + 'static) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(reader, |mut reader| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = reader.read_buf(&mut piece).await?;
        Ok((read > 0).then(|| (piece.freeze(), reader)))
    })
}

/// No more than the length that was promised, and an error for less: never a shorter file that looks whole.
fn exactly(reader: Reader, length: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let pieces = read(reader.take(length)).boxed();
    let checked = stream::try_unfold((pieces, length), |(mut pieces, left)| async move {
        match pieces.next().await.transpose()? {
            Some(piece) => {
                let left = left.saturating_sub(piece.len() as u64);
                Ok(Some((piece, (pieces, left))))
            }
            None if left > 0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the content ended {left} bytes before its announced length"),
            )),
            None => Ok(None),
        }
    });
    checked.boxed()
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // The bytes may be secret.
            Repr::Bytes(bytes) => write!(f, "Content({} bytes)", bytes.len()),
            Repr::File(path) => write!(f, "Content({})", path.display()),
            Repr::Reader { length, .. } => write!(f, "Content(reader, length {length:?})"),
            Repr::Chain(parts) => f.debug_list().entries(parts).finish(),
        }
    }
}

macro_rules! content_from {
    ($make:path: $($source:ty),*) => {$(
        impl From<$source> for Content {
            fn from(source: $source) -> Self {
                $make(source)
            }
        }
    )*};
}

content_from!(Content::file: &Path, PathBuf, &PathBuf);
content_from!(Content::bytes: Bytes, Vec<u8>);
