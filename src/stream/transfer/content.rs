//! What a push sends: bytes, a file, or the output of a reader.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::blocking::{blocking, local};
use super::read_ahead::{self, too_short};
use crate::error::{Error, ErrorKind};

/// Content to push to a server.
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
/// [`Path`] and [`PathBuf`] convert into a local file, `Vec<u8>` and [`Bytes`] into bytes. A `&str` doesn't convert,
/// because it could be either.
pub struct Content(Repr);

enum Repr {
    Bytes(Bytes),
    File(PathBuf),
    Reader { reader: Reader, length: Option<u64> },
    Chain(Vec<Content>),
}

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// The pieces of the content.
pub(crate) struct Pieces {
    pub(crate) length: Option<u64>,
    pub(crate) pieces: BoxStream<'static, io::Result<Bytes>>,
}

impl Content {
    /// A local regular file. It is opened when the push begins.
    ///
    /// A file of size 0 is read anyway, because files in `/proc` only seem empty.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self(Repr::File(path.as_ref().to_owned()))
    }

    /// Bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Repr::Bytes(bytes.into()))
    }

    /// The output of a reader, up to its end. The size is unknown, and it can be read only once.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Repr::Reader { reader: Box::pin(reader), length: None })
    }

    /// The output of a reader of exactly `length` bytes. It can be read only once.
    pub fn sized_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self(Repr::Reader { reader: Box::pin(reader), length: Some(length) })
    }

    /// Whether it can be read again.
    #[cfg_attr(not(feature = "shakenfist"), allow(dead_code))]
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self.0, Repr::Reader { .. })
    }

    /// The size, as far as it is known before the content is opened. What can't be read is told then.
    #[cfg(feature = "incus")]
    pub(crate) fn size(&self) -> impl Future<Output = Option<u64>> + Send + use<> {
        let (known, path) = match &self.0 {
            Repr::Bytes(bytes) => (Some(bytes.len() as u64), None),
            Repr::File(path) => (None, Some(path.clone())),
            Repr::Reader { length, .. } => (*length, None),
            Repr::Chain(_) => (None, None),
        };
        async move {
            match path {
                Some(path) => tokio::fs::metadata(path).await.ok().map(|found| found.len()),
                None => known,
            }
        }
    }

    /// Several contents, one after the other.
    pub(crate) fn chain(parts: Vec<Self>) -> Self {
        Self(Repr::Chain(parts))
    }

    /// Opens the content. Also returns what a second attempt needs, unless it can be read only once.
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
        // Chains hold no chains, but the type allows it.
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

/// The size of a piece.
const PIECE: usize = 256 << 10;

async fn open(path: &Path) -> Result<Pieces, Error> {
    let opened = path.to_owned();
    let (file, length) = blocking(move || open_regular(&opened)).await?;
    match length {
        0 => unsized_file(tokio::fs::File::from_std(file)).await.map_err(|e| local("read", path, e)),
        length => Ok(Pieces { length: Some(length), pieces: read_ahead::pieces(file, length, PIECE) }),
    }
}

/// Opens a regular file. Also returns its size.
fn open_regular(path: &Path) -> Result<(File, u64), Error> {
    let unreadable = |e| local("read", path, e);
    // Check first: opening a pipe would block until it has a writer.
    regular(path, &std::fs::metadata(path).map_err(unreadable)?)?;
    let file = File::open(path).map_err(unreadable)?;
    let data = file.metadata().map_err(unreadable)?;
    regular(path, &data)?;
    Ok((file, data.len()))
}

fn regular(path: &Path, found: &std::fs::Metadata) -> Result<(), Error> {
    match found.is_file() {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::Io, format!("can't push {}: it is not a regular file", path.display())))
        }
    }
}

/// A file with size 0, as all files in `/proc` have: its length is known only after reading.
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

/// Fails if the reader gives fewer bytes than announced, and stops after that many: a short file must not look
/// complete.
fn exactly(reader: Reader, length: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let pieces = read(reader.take(length)).boxed();
    let checked = stream::try_unfold((pieces, length), |(mut pieces, left)| async move {
        match pieces.next().await.transpose()? {
            Some(piece) => {
                let left = left.saturating_sub(piece.len() as u64);
                Ok(Some((piece, (pieces, left))))
            }
            None if left > 0 => Err(too_short(left)),
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
