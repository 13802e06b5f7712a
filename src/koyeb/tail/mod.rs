//! Following logs: a websocket that is opened again whenever it ends, and a search for what was written meanwhile.

mod fill;
mod follow;
mod shown;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::exec::says_why;
use super::logs::{Filter, narrowed};
use super::{LogLine, Logs};
use crate::error::{Error, ErrorKind};
use crate::stream::queue::{Take, queue};
use crate::transport::Label;
use follow::Follow;

/// What comes of a [`Tail`].
///
/// ```
/// use windlass::koyeb::Tailed;
///
/// fn text(tailed: &Tailed) -> &str {
///     match tailed {
///         Tailed::Line(line) => &line.message,
///         Tailed::Gap => "lines may be missing here: look with query()",
///         _ => "",
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Tailed {
    /// A line, as it was written.
    Line(LogLine),
    /// The connection broke and stands again, and what was written in between can't be had for certain: lines may be
    /// missing here. Most connections break without one, as a search finds the lines.
    Gap,
}

impl Tailed {
    /// The line, if it is one.
    pub fn into_line(self) -> Option<LogLine> {
        match self {
            Self::Line(line) => Some(line),
            Self::Gap => None,
        }
    }
}

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
/// It goes on until it is told to [`stop`](TailStop::stop) or dropped. A connection that ends is opened again, and what
/// was written meanwhile is searched with [`Logs::query`], from ten seconds before the last line on or as much earlier
/// as lines came late, up to five minutes. Lines that come twice are dropped: those of the same instance, stream, time
/// and text. Where the search fails, or can't tell what is missing, a [`Tailed::Gap`] comes in its place.
///
/// It ends with an error when the service refuses it, or can't be reached for two minutes. A slow reader holds the
/// service back: no more than 64 lines and 1 MiB wait for it, and during a search a page of a thousand lines.
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

/// How much waits for a slow reader.
const LINES: usize = 64;
const BYTES: u32 = 1 << 20;

impl Logs {
    /// Follows: the lines as they are written, oldest first, beginning with up to 1000 old ones.
    ///
    /// Returns when the service has accepted the first connection. An [`end`](Self::end) or an order can't be asked for.
    pub async fn tail(self) -> Result<Tail, Error> {
        let label = self.koyeb.label("tail_logs", "");
        label.clone().watch(self.followed(label)).await
    }

    async fn followed(self, label: Label) -> Result<Tail, Error> {
        self.filter.check()?;
        if self.has_end_or_order() {
            return Err(Error::invalid("end", "a tail has no end and no other order: use query()"));
        }
        let (sink, lines) = queue(LINES, BYTES);
        let (stop, stopped) = watch::channel(false);
        let (follow, socket) = Follow::begin(self, sink).await?;
        let task = tokio::spawn(follow.run(socket, stopped));
        Ok(Tail { lines, stop: TailStop(stop), task, over: false, label })
    }
}

impl Tail {
    /// The next line, or [`Tailed::Gap`]; none when it was told to stop. After an error it ends. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Tailed, Error>> {
        let next = self.lines.next().await;
        self.checked(next)
    }

    /// An end that nobody asked for and that no error explains: the task went with its runtime.
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
