//! A tail as the caller holds it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::feed::Feed;
use super::follow::run;
use super::tailed::Tailed;
use crate::error::{Error, ErrorKind};
use crate::koyeb::logs::Logs;
use crate::stream::queue::{Take, queue};
use crate::transport::Label;

/// Lines of a log as they are written; from [`Logs::tail`].
///
/// ```no_run
/// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
/// use windlass::koyeb::Tailed;
///
/// let mut tail = koyeb.service("8a41").logs().tail().await?;
/// let stop = tail.stopper();
/// while let Some(tailed) = tail.next().await {
///     match tailed? {
///         Tailed::Line(line) if line.message.contains("shutting down") => stop.stop(),
///         Tailed::Line(line) => println!("{}", line.message),
///         _ => eprintln!("lines may be missing here"),
///     }
/// }
/// # Ok(()) }
/// ```
///
/// It continues until it is [stopped](TailStop::stop) or dropped; dropping it closes the connection. A connection that ends
/// is opened again, and what was written meanwhile is searched, from ten seconds before the last line or earlier if lines
/// came late, up to five minutes. Lines that come twice are dropped: those with the same instance, stream, time and text.
/// If the search fails, or can't tell what is missing, a [`Tailed::Gap`] takes the place of the lines.
///
/// It ends with an error if the service refuses it, or can't be reached for two minutes. A slow reader slows the service
/// down: no more than 64 lines and 1 MiB wait for it, and during a search a page of a thousand lines.
#[must_use = "a tail that isn't read does nothing"]
pub struct Tail {
    lines: Take<Result<Tailed, Error>>,
    stop: TailStop,
    task: JoinHandle<()>,
    /// An error has been read: nothing comes after it.
    over: bool,
    label: Label,
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").finish_non_exhaustive()
    }
}

/// Ends a [`Tail`] from elsewhere. Dropping it does nothing.
#[derive(Debug, Clone)]
pub struct TailStop(watch::Sender<bool>);

impl TailStop {
    /// Ends it: what has arrived can still be read.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// How much can wait for a slow reader.
const LINES: usize = 64;
const BYTES: u32 = 1 << 20;

impl Logs {
    /// Follows the lines as they are written, oldest first, starting with up to 1000 old ones.
    ///
    /// Returns when the service has accepted the first connection.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if an [`end`](Self::end) or an order is set, which a tail can't have, or if
    /// nothing is named; and those of [every request](crate::koyeb::Koyeb#errors).
    #[doc(alias = "follow")]
    pub async fn tail(self) -> Result<Tail, Error> {
        let label = self.koyeb.label("tail_logs", "");
        label.clone().watch(self.followed(label)).await
    }

    async fn followed(self, label: Label) -> Result<Tail, Error> {
        self.filter.check()?;
        if self.has_end_or_order() {
            return Err(Error::invalid("end", "a tail has no end and no other order: search instead"));
        }
        let (sink, lines) = queue(LINES, BYTES);
        let (stop, stopped) = watch::channel(false);
        let (feed, socket) = Feed::begin(self, sink).await?;
        let task = tokio::spawn(run(feed, socket, stopped));
        Ok(Tail { lines, stop: TailStop(stop), task, over: false, label })
    }
}

impl Tail {
    /// The next line or [`Tailed::Gap`]; `None` after it was stopped, or after an error. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](ErrorKind::Unauthenticated), [`PermissionDenied`](ErrorKind::PermissionDenied) or
    /// [`NotFound`](ErrorKind::NotFound) if the service refuses it, [`Interrupted`](ErrorKind::Interrupted) if it can't be
    /// reached for two minutes, [`BadReply`](ErrorKind::BadReply) if its answers can't be used.
    pub async fn next(&mut self) -> Option<Result<Tailed, Error>> {
        let next = self.lines.next().await;
        self.checked(next)
    }

    /// The next line or gap, for use with `?`; `None` after it was stopped. Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next).
    pub async fn try_next(&mut self) -> Result<Option<Tailed>, Error> {
        self.next().await.transpose()
    }

    /// An end that wasn't requested and that no error explains: the task went with its runtime.
    fn checked(&mut self, next: Option<Result<Tailed, Error>>) -> Option<Result<Tailed, Error>> {
        let cut = next.is_none() && !self.over && !*self.stop.0.borrow();
        self.over |= cut || matches!(next, Some(Err(_)));
        let gone = || Err(Error::new(ErrorKind::Interrupted, "the runtime in which the tail began is gone"));
        let next = if cut { Some(gone()) } else { next };
        next.map(|next| next.map_err(|e| self.label.on(e)))
    }

    /// A handle that ends it from elsewhere.
    pub fn stopper(&self) -> TailStop {
        self.stop.clone()
    }
}

impl Stream for Tail {
    type Item = Result<Tailed, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.lines.poll_next(context).map(|next| self.checked(next))
    }
}
