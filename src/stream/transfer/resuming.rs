//! Reading content to its end, over several connections if one breaks.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, try_unfold};

use super::patience::Patience;
use super::source::Source;
use super::{Opened, Tell, Transferred};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::retry::Retry;

/// The settings of a flow.
pub(super) struct Terms {
    pub(super) idle: Duration,
    pub(super) most: Option<u64>,
    pub(super) retry: Retry,
    pub(super) tell: Option<Tell>,
}

/// Content being read.
pub(super) struct Resuming {
    source: Box<dyn Source>,
    terms: Terms,
    total: Option<u64>,
    version: Option<String>,
    mode: Option<u32>,
    body: BoxStream<'static, Result<Bytes, Error>>,
    patience: Patience,
    at: u64,
    /// Resumptions since the last progress.
    resumed: u32,
    /// The position of the last resumption.
    resumed_at: u64,
}

impl Resuming {
    /// With less progress than this between two breaks, they count as consecutive failures.
    const STRIDE: u64 = 1 << 20;

    pub(super) async fn open(source: Box<dyn Source>, terms: Terms) -> Result<Self, Error> {
        let Opened { from, total, version, mode, body } = opened(&*source, 0, terms.idle).await?;
        let patience = Patience::new(terms.idle);
        let flow =
            Self { source, terms, total, version, mode, body, patience, at: 0, resumed: 0, resumed_at: 0 };
        if from != 0 {
            return Err(flow.fault(ErrorKind::BadReply, "the content doesn't begin at its first byte"));
        }
        flow.check_size(total.unwrap_or_default())?;
        Ok(flow)
    }

    pub(super) fn progress(&self) -> Transferred {
        Transferred { bytes: self.at, total: self.total }
    }

    /// The permissions of the file on the server.
    pub(super) fn mode(&self) -> Option<u32> {
        self.mode
    }

    /// The next piece. `None` at the end of complete content.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.read().await {
                Ok(piece) => return Ok(piece),
                Err(e) => self.resume(e).await?,
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        self.patience.restart();
        let next = poll_fn(|context| match self.body.as_mut().poll_next(context) {
            Poll::Pending => self.patience.poll_over(context).map(|()| None),
            next => next.map(Some),
        });
        let next = next.await.ok_or_else(|| self.idle())?;
        let Some(piece) = next.transpose().map_err(|e| self.source.label().on(e))? else {
            return self.whole().map(|()| None);
        };
        self.at += piece.len() as u64;
        self.check_size(self.at)?;
        let progress = self.progress();
        if let Some(tell) = &mut self.terms.tell {
            tell(progress);
        }
        Ok(Some(piece))
    }

    fn whole(&self) -> Result<(), Error> {
        match self.total {
            Some(total) if self.at < total => {
                Err(self.fault(ErrorKind::Interrupted, format!("{} of {total} bytes came", self.at)))
            }
            Some(total) if self.at > total => {
                Err(self.fault(ErrorKind::BadReply, format!("more than the announced {total} bytes came")))
            }
            _ => Ok(()),
        }
    }

    fn check_size(&self, size: u64) -> Result<(), Error> {
        match self.terms.most {
            Some(most) if size > most => {
                let message = format!("max_size: the content has more than {most} bytes");
                Err(self
                    .fault(ErrorKind::LimitExceeded, message)
                    .with(|e| e.fields.push("max_size".to_owned())))
            }
            _ => Ok(()),
        }
    }

    /// Continues after a broken connection, if the content is provably unchanged.
    async fn resume(&mut self, broke: Error) -> Result<(), Error> {
        let Some(version) = self.version.clone().filter(|_| self.may_resume(&broke)) else {
            return Err(broke);
        };
        tracing::debug!(error = %broke, at = self.at, "resuming");
        tokio::time::sleep(self.terms.retry.pause(self.resumed + 1, None, rand::random())).await;
        let opened = match opened(&*self.source, self.at, self.terms.idle).await {
            Ok(opened) => opened,
            // The content is now shorter than what was already read.
            Err(e) if e.status() == Some(416) => return Err(self.changed()),
            Err(e) => return Err(e),
        };
        if opened.version.as_ref() != Some(&version) || opened.total != self.total {
            return Err(self.changed());
        }
        if opened.from != self.at {
            // The server can't send a part.
            return Err(broke);
        }
        self.body = opened.body;
        Ok(())
    }

    /// Only a broken connection can be resumed.
    fn may_resume(&mut self, broke: &Error) -> bool {
        if self.at >= self.resumed_at.saturating_add(Self::STRIDE) {
            self.resumed = 0;
        }
        self.resumed_at = self.at;
        self.resumed += 1;
        broke.kind() == ErrorKind::Interrupted && self.resumed < self.terms.retry.attempts
    }

    fn changed(&self) -> Error {
        let message = format!("the content changed after {} bytes of it had come", self.at);
        self.fault(ErrorKind::PreconditionFailed, message)
    }

    fn idle(&self) -> Error {
        self.fault(ErrorKind::Timeout, format!("nothing came for {:?}", self.terms.idle))
    }

    fn fault(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        self.source.label().on(Error::new(kind, message)).with(|e| e.sent = Sent::Yes)
    }
}

async fn opened(source: &dyn Source, from: u64, limit: Duration) -> Result<Opened, Error> {
    let opened = tokio::time::timeout(limit, source.open(from)).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Timeout, format!("no answer within {limit:?}"))
            .with(|e| (e.sent, e.repeatable) = (Sent::Unknown, true)))
    });
    opened.map_err(|e| source.label().on(e))
}

/// A stream of pieces of content. From [`Pull::stream`](super::Pull::stream).
///
/// It ends after the first error. Incomplete content ends with an error. Dropping it closes the connection.
#[must_use = "nothing is read before the stream is"]
pub struct Download {
    total: Option<u64>,
    pieces: BoxStream<'static, Result<Bytes, Error>>,
}

impl Download {
    pub(super) fn new(flow: Resuming) -> Self {
        let total = flow.total;
        let pieces =
            try_unfold(flow, |mut flow| async move { Ok(flow.next().await?.map(|piece| (piece, flow))) });
        Self { total, pieces: Box::pin(pieces) }
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn of(pieces: BoxStream<'static, Result<Bytes, Error>>) -> Self {
        Self { total: None, pieces }
    }

    /// The size in bytes, if the server sent it.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The next piece. `None` at the end, or after an error.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        futures_util::StreamExt::next(&mut self.pieces).await
    }

    /// The next piece, for use with `?`. `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`] or [`ErrorKind::Timeout`] if the content breaks off,
    /// [`ErrorKind::PreconditionFailed`] if it changed meanwhile, [`ErrorKind::LimitExceeded`] if it is larger than
    /// [`max_size`](super::Pull::max_size).
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        self.next().await.transpose()
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("total", &self.total).finish_non_exhaustive()
    }
}
