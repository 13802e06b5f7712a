//! Pulls: the target, and the limits.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::atomic_file::{Links, checked_mode};
use super::draft::Draft;
use super::resuming::{Resuming, Terms};
use super::source::Source;
use super::{Download, IDLE, Transferred};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::Label;

/// A pull of content from a server.
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// web.pull("/var/log/syslog").on_progress(|p| eprintln!("{p}")).to("syslog").await?;
/// # Ok(()) }
/// ```
///
/// Memory is bounded, whatever the size. If the connection breaks, the pull resumes at that position, provided that the
/// server can send a part and the content is provably unchanged (by its ETag, or by size and time of modification). All
/// ends of a pull can fail with
///
/// - [`ErrorKind::PreconditionFailed`] if the content changed before the pull could resume,
/// - [`ErrorKind::Interrupted`] if it could not resume,
/// - [`ErrorKind::Timeout`] if the server sent nothing for a minute; see [`idle_timeout`](Self::idle_timeout),
/// - [`ErrorKind::LimitExceeded`] if the content is larger than [`max_size`](Self::max_size),
///
/// and with the error of the request, for example [`ErrorKind::NotFound`]. Nothing is sent before one of the ends is
/// called.
#[must_use = "nothing is sent before `.to(..).await` or another of its ends"]
pub struct Pull {
    source: Box<dyn Source>,
    terms: Terms,
    durable: bool,
    mode: Option<u32>,
}

impl fmt::Debug for Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").field("label", &self.label()).finish_non_exhaustive()
    }
}

impl Pull {
    /// The default limit of `bytes`.
    const IN_MEMORY: u64 = 64 << 20;

    pub(crate) fn new(source: impl Source) -> Self {
        let retry = source.label().retry().clone();
        let terms = Terms { idle: IDLE, most: None, retry, tell: None };
        Self { source: Box::new(source), terms, durable: false, mode: None }
    }

    pub(crate) fn label(&self) -> Label {
        self.source.label()
    }

    /// Calls `tell` after each piece.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.terms.tell = Some(Box::new(tell));
        self
    }

    /// How long the server may send nothing; a minute by default. The time of the whole pull has no limit.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.terms.idle = limit;
        self
    }

    /// The largest size to accept, in bytes. Larger content is an error of [`ErrorKind::LimitExceeded`], and nothing is
    /// kept.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.terms.most = Some(bytes);
        self
    }

    /// With [`to`](Self::to): syncs the file to disk, so that it survives a power cut.
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// With [`to`](Self::to): the permissions of the file, for example `0o600`. Windows has none: there this does nothing.
    ///
    /// By default, a file of an instance keeps its permissions, without set-user-id and the like. Content without
    /// permissions, for example a backup, gets those of the file it replaces, or those of a new file.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Writes the content to a file, replacing an existing one.
    ///
    /// The file appears when it is complete. Until then the bytes are in a temporary file next to it, which other users
    /// can't read, and which is removed if the pull fails or is dropped. If the path is a symbolic link, the file it
    /// points to is replaced. A directory, device or pipe is never replaced; use [`to_writer`](Self::to_writer) for
    /// those.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the path is not a regular file, [`ErrorKind::Io`] if it can't be written. Both
    /// are checked before anything is sent. Otherwise those of every [`Pull`].
    pub async fn to(self, path: impl AsRef<Path>) -> Result<Transferred, Error> {
        self.into_place(path.as_ref(), Links::Follow).await
    }

    pub(crate) async fn into_place(self, path: &Path, links: Links) -> Result<Transferred, Error> {
        self.label().watch(self.kept(path, links)).await
    }

    async fn kept(self, path: &Path, links: Links) -> Result<Transferred, Error> {
        let (durable, mode) = (self.durable, self.mode.map(checked_mode).transpose()?);
        let draft = Draft::begin(path, links).await?;
        let flow = self.flow().await?;
        let mode = mode.or(flow.mode());
        let (draft, progress) = draft.fill(flow).await?;
        draft.keep(mode, durable).await?;
        Ok(progress)
    }

    /// Writes the content to a writer, and flushes it. A failed pull has written a part.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the writer fails. Otherwise those of every [`Pull`].
    pub async fn to_writer(self, writer: impl AsyncWrite + Unpin + Send) -> Result<Transferred, Error> {
        self.label().watch(self.written(writer)).await
    }

    async fn written(self, mut writer: impl AsyncWrite + Unpin + Send) -> Result<Transferred, Error> {
        let mut flow = self.flow().await?;
        while let Some(piece) = flow.next().await? {
            writer.write_all(&piece).await.map_err(unwritable)?;
        }
        writer.flush().await.map_err(unwritable)?;
        Ok(flow.progress())
    }

    /// Collects the content in memory, 64 MiB at most unless [`max_size`](Self::max_size) is set.
    ///
    /// # Errors
    ///
    /// Those of every [`Pull`].
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        self.terms.most.get_or_insert(Self::IN_MEMORY);
        let mut flow = self.flow().await?;
        let Some(first) = flow.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = flow.next().await? else {
            return Ok(first);
        };
        // The announced size must not be trusted before the bytes have come.
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(piece) = flow.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Returns the content as a stream, once the server has begun to send.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let mut log = web.pull("/var/log/syslog").stream().await?;
    /// let mut lines = 0;
    /// while let Some(piece) = log.try_next().await? {
    ///     lines += piece.iter().filter(|byte| **byte == b'\n').count();
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of every [`Pull`] that happen before the first byte; later ones come from the stream.
    pub async fn stream(self) -> Result<Download, Error> {
        Ok(Download::new(self.flow().await?))
    }

    async fn flow(self) -> Result<Resuming, Error> {
        Resuming::open(self.source, self.terms).await
    }
}

fn unwritable(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("can't write what was pulled: {e}")).with(|inner| {
        inner.sent = Sent::Yes;
        inner.source = Some(e.into());
    })
}
