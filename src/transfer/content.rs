//! What is pushed: bytes, a file, or whatever can be read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::disk::local;
use crate::error::{Error, Kind};

/// What is to be pushed to a server.
///
/// Paths are files of this machine; `Vec<u8>` and [`Bytes`] are the content itself:
///
/// ```no_run
/// use windlass::Content;
/// # async fn demo(web: windlass::incus::Instance, pipe: tokio::process::ChildStdout) -> windlass::Result<()> {
/// web.push("motd").to("/etc/motd").await?;
/// web.push(b"hello\n".to_vec()).to("/etc/motd").await?;
/// web.push(Content::reader(pipe)).to("/root/dump").await?;
/// # Ok(()) }
/// ```
pub struct Content(Form);

enum Form {
    Bytes(Bytes),
    File(PathBuf),
    Reader { reader: Reader, length: Option<u64> },
}

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// The pieces of what is pushed.
pub(super) struct Pieces {
    pub(super) length: Option<u64>,
    pub(super) pieces: BoxStream<'static, io::Result<Bytes>>,
}

impl Content {
    /// A file of this machine. It is opened when the push begins.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self(Form::File(path.as_ref().to_owned()))
    }

    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Form::Bytes(bytes.into()))
    }

    /// What a reader gives, to its end; the size is not known ahead. It can be read only once.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Form::Reader { reader: Box::pin(reader), length: None })
    }

    /// What a reader gives, which must be exactly `length` bytes.
    pub fn sized_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self(Form::Reader { reader: Box::pin(reader), length: Some(length) })
    }

    /// The pieces, and what is left for another try: nothing of a reader.
    pub(super) async fn open(self) -> Result<(Pieces, Option<Self>), Error> {
        match self.0 {
            Form::Bytes(bytes) => {
                let pieces = Pieces { length: Some(bytes.len() as u64), pieces: cut(bytes.clone()).boxed() };
                Ok((pieces, Some(Self(Form::Bytes(bytes)))))
            }
            Form::File(path) => {
                let (file, length) = open(&path).await?;
                let pieces = Pieces { length: Some(length), pieces: exactly(Box::pin(file), length) };
                Ok((pieces, Some(Self(Form::File(path)))))
            }
            Form::Reader { reader, length: Some(length) } => {
                Ok((Pieces { length: Some(length), pieces: exactly(reader, length) }, None))
            }
            Form::Reader { reader, length: None } => {
                Ok((Pieces { length: None, pieces: read(reader).boxed() }, None))
            }
        }
    }
}

/// How much is read, and sent, at a time.
const PIECE: usize = 256 << 10;

async fn open(path: &Path) -> Result<(tokio::fs::File, u64), Error> {
    let unreadable = |e| local("read", path, e);
    let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let data = file.metadata().await.map_err(unreadable)?;
    if !data.is_file() {
        return Err(Error::new(Kind::Io, format!("can't push {}: it is no regular file", path.display())));
    }
    file.set_max_buf_size(PIECE);
    Ok((file, data.len()))
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
            Form::Bytes(bytes) => write!(f, "Content({} bytes)", bytes.len()),
            Form::File(path) => write!(f, "Content({})", path.display()),
            Form::Reader { length, .. } => write!(f, "Content(reader, length {length:?})"),
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

content_from!(Content::file: &str, String, &Path, PathBuf, &PathBuf);
content_from!(Content::bytes: Bytes, Vec<u8>);
