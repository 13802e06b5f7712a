//! Pulling content: where it goes, and within which limits.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::atomic_file::{Links, checked_mode};
use super::draft::Draft;
use super::flow::{Flow, Terms};
use super::source::Source;
use super::{Download, IDLE, Transferred};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::Label;

/// Content to be pulled from a server.
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// web.pull("/var/log/syslog").on_progress(|p| eprintln!("{p}")).to("syslog").await?;
/// # Ok(()) }
/// ```
///
/// It takes constant memory, whatever the size. When the connection breaks, the pull goes on from there on another one,
/// if the server can send a part and the content is provably unchanged (by its ETag, or by size and time of
/// modification); content that changed is an error of [`ErrorKind::PreconditionFailed`]. A server that sends
/// nothing for a minute is an error of [`ErrorKind::Timeout`]; see [`idle_timeout`](Self::idle_timeout).
#[must_use = "nothing is asked for before `.to(..).await` or one of its like"]
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
    /// More than this is not collected in memory unless asked for.
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

    /// How long the server may send nothing; a minute if not set. How long the whole takes is not limited.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.terms.idle = limit;
        self
    }

    /// The most to accept, in bytes. More is an error of [`ErrorKind::LimitExceeded`], and nothing is kept of it.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.terms.most = Some(bytes);
        self
    }

    /// With [`to`](Self::to): waits until the disk has it, so that it survives a power cut.
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// With [`to`](Self::to): the permissions of the file, as `0o600`.
    ///
    /// If not set, a file of an instance keeps those that it has there, but for set-user-id and the like. What has none
    /// there, as a backup, gets those of the file that it replaces, or what any new file gets.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Writes it to a file, replacing what is there.
    ///
    /// The file appears, whole, when all of it has come: until then the bytes are in another file beside it, which nobody
    /// else can read, and which a failed or dropped pull removes. Where the path is a symbolic link, the file behind it is
    /// replaced. A directory, a device or a pipe is never replaced: see [`to_writer`](Self::to_writer) for those.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if there is something that is no regular file. What goes wrong on this machine is
    /// [`ErrorKind::Io`]. Both are noticed before anything is sent, also a directory that can't be written to.
    pub async fn to(self, path: impl AsRef<Path>) -> Result<Transferred, Error> {
        self.into_place(path.as_ref(), Links::Follow).await
    }

    pub(crate) async fn into_place(self, path: &Path, links: Links) -> Result<Transferred, Error> {
        self.label().watch(self.kept(path, links)).await
    }

    async fn kept(self, path: &Path, links: Links) -> Result<Transferred, Error> {
        let (durable, mode) = (self.durable, self.mode.map(checked_mode).transpose()?);
        let mut draft = Draft::begin(path, links).await?;
        let mut flow = self.flow().await?;
        while let Some(piece) = flow.next().await? {
            draft.write(piece).await?;
        }
        draft.keep(mode.or(flow.mode()), durable).await?;
        Ok(flow.progress())
    }

    /// Writes it to a writer, and flushes that. A failed pull has written a part.
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

    /// Collects it in memory, 64 MiB at most unless [`max_size`](Self::max_size) says otherwise.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        self.terms.most.get_or_insert(Self::IN_MEMORY);
        let mut flow = self.flow().await?;
        let Some(first) = flow.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = flow.next().await? else {
            return Ok(first);
        };
        // What the server announces is bounded, but not to be believed before it has come.
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(piece) = flow.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Gives it as a stream, once the server has begun to send.
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
    pub async fn stream(self) -> Result<Download, Error> {
        Ok(Download::new(self.flow().await?))
    }

    async fn flow(self) -> Result<Flow, Error> {
        Flow::open(self.source, self.terms).await
    }
}

fn unwritable(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("can't write what was pulled: {e}")).with(|inner| {
        inner.sent = Sent::Yes;
        inner.source = Some(e.into());
    })
}
