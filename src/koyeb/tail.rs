//! Following logs: a websocket that is opened again whenever it ends.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::exec::says_why;
use super::last::Last;
use super::logs::{Filter, narrowed};
use super::{Koyeb, LogLine, Logs, given, reply, types};
use crate::error::{Error, Kind, Sent};
use crate::socket::{Frame, Socket};

/// Lines of a log as they are written; from [`Logs::tail`].
///
/// ```no_run
/// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
/// let mut tail = koyeb.service("8a41").logs().tail().await?;
/// let stop = tail.stopper();
/// while let Some(line) = tail.next().await {
///     let line = line?;
///     println!("{}", line.message);
///     if line.message.contains("shutting down") {
///         stop.stop();
///     }
/// }
/// # Ok(()) }
/// ```
///
/// It goes on until it is told to [`stop`](TailStop::stop) or dropped: a connection that ends is opened again from the
/// last line on, and lines that come twice are dropped. It ends with an error when the service refuses it, or can't be
/// reached for two minutes. A slow reader holds the service back; nothing piles up in memory.
#[must_use = "a tail that isn't read does nothing"]
pub struct Tail {
    lines: mpsc::Receiver<Result<LogLine, Error>>,
    stop: TailStop,
    task: JoinHandle<()>,
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

impl Logs {
    /// Follows: the lines as they are written, oldest first, beginning with up to 1000 old ones.
    ///
    /// Returns when the service has accepted the first connection. An [`end`](Self::end) or an order can't be asked for.
    pub async fn tail(self) -> Result<Tail, Error> {
        self.filter.check()?;
        if self.has_end_or_order() {
            return Err(Error::invalid("end", "a tail has no end and no other order: use query()"));
        }
        let Self { koyeb, filter, .. } = self;
        let socket = connect(&koyeb, &filter).await?;
        let (sink, lines) = mpsc::channel(64);
        let (stop, stopped) = watch::channel(false);
        let follow = Follow { koyeb, filter, sink, last: Last::default() };
        let task = tokio::spawn(follow.run(socket, stopped));
        Ok(Tail { lines, stop: TailStop(stop), task })
    }
}

impl Tail {
    /// The next line; none when it was told to stop. After an error it ends. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<LogLine, Error>> {
        self.lines.recv().await
    }

    /// A handle that ends it from elsewhere.
    pub fn stopper(&self) -> TailStop {
        self.stop.clone()
    }
}

impl Stream for Tail {
    type Item = Result<LogLine, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.lines.poll_recv(context)
    }
}

async fn connect(koyeb: &Koyeb, filter: &Filter) -> Result<Socket, Error> {
    let call = koyeb.call();
    let result = narrowed!(call.tail_logs(), filter.clone()).send().await;
    let answer = call.done(result).await?;
    Ok(Socket::open(&call, answer).await?.watched(QUIET, QUIET))
}

/// After such a silence the service is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(15);
/// How long the service may be out of reach.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two attempts to reach it.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// A tail at work.
struct Follow {
    koyeb: Koyeb,
    filter: Filter,
    sink: mpsc::Sender<Result<LogLine, Error>>,
    last: Last,
}

/// Why one connection is over.
enum Over {
    /// Nobody reads any more.
    Unread,
    /// Whether it was of use: the next one can follow soon.
    Cut {
        useful: bool,
    },
    Refused(Error),
}

impl Follow {
    async fn run(mut self, socket: Socket, mut stopped: watch::Receiver<bool>) {
        let end = tokio::select! {
            end = self.follow(socket) => end,
            () = told(&mut stopped) => None,
        };
        if let Some(e) = end {
            let _ = self.sink.send(Err(e)).await;
        }
    }

    async fn follow(&mut self, socket: Socket) -> Option<Error> {
        let mut socket = Some(socket);
        let (mut pause, mut lost) = (FIRST, Instant::now());
        loop {
            let over = match socket.take() {
                Some(socket) => self.read(&socket).await,
                None => Over::Cut { useful: false },
            };
            match over {
                Over::Unread => return None,
                Over::Refused(e) => return Some(e),
                Over::Cut { useful: true } => (pause, lost) = (FIRST, Instant::now()),
                Over::Cut { useful: false } => {}
            }
            if lost.elapsed() > PATIENCE {
                return Some(out_of_reach());
            }
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(LONGEST);
            match self.again().await {
                Ok(again) => socket = Some(again),
                // A page of some proxy instead of the service passes.
                Err(e) if is_final(e.kind()) && e.kind() != Kind::BadReply => return Some(e),
                Err(e) => tracing::debug!(error = %e, "a tail could not be opened again"),
            }
        }
    }

    async fn again(&mut self) -> Result<Socket, Error> {
        if self.last.at.is_some() {
            // From there on all lines are wanted, however few old ones were.
            (self.filter.start, self.filter.limit) = (self.last.at, None);
        }
        self.last.begin_again();
        connect(&self.koyeb, &self.filter).await
    }

    async fn read(&mut self, socket: &Socket) -> Over {
        let (opened, mut heard, mut lines) = (Instant::now(), false, false);
        loop {
            let next = socket.next().await;
            let useful = lines || opened.elapsed() > LONGEST;
            let text = match next {
                Ok(Some(Frame::Text(text) | Frame::Binary(text))) => text,
                Ok(None) | Err(_) if heard => return Over::Cut { useful },
                Ok(None) | Err(_) => return self.why_closed(useful).await,
            };
            heard = true;
            match line(&text) {
                Ok(None) => {}
                Ok(Some(line)) if self.last.is_repeated(&line) => {}
                Ok(Some(line)) => {
                    lines = true;
                    if self.sink.send(Ok(line)).await.is_err() {
                        return Over::Unread;
                    }
                }
                Err(e) if is_final(e.kind()) => return Over::Refused(e),
                // What went wrong on the other side may be cured by another connection.
                Err(_) => return Over::Cut { useful },
            }
        }
    }

    /// A connection that ended before anything was said: a wrong token looks so, too.
    async fn why_closed(&self, useful: bool) -> Over {
        let call = self.koyeb.call();
        let result = narrowed!(call.query_logs(), self.filter.clone()).limit("1").send().await;
        match call.done(result).await {
            Err(e) if says_why(e.kind()) => Over::Refused(e),
            _ => Over::Cut { useful },
        }
    }
}

async fn told(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        // The tail itself is gone, and this task with it.
        std::future::pending().await
    }
}

/// What no other connection will cure.
fn is_final(kind: Kind) -> bool {
    says_why(kind)
        || matches!(
            kind,
            Kind::InvalidInput | Kind::Unsupported | Kind::Conflict | Kind::BadReply | Kind::Rejected
        )
}

fn out_of_reach() -> Error {
    let message = format!("the logs could not be reached for {} seconds", PATIENCE.as_secs());
    Error::new(Kind::Interrupted, message)
        .with(|e| (e.api, e.operation, e.sent) = ("koyeb", "tail_logs", Sent::Yes))
}

/// The line in a frame; some have none.
fn line(frame: &[u8]) -> Result<Option<LogLine>, Error> {
    if frame.is_empty() {
        return Ok(None);
    }
    let unreadable = || {
        let e = Error::new(Kind::BadReply, "a frame isn't what the API describes");
        e.with(|e| (e.api, e.operation, e.sent) = ("koyeb", "tail_logs", Sent::Yes))
    };
    let frame: types::LogFrame = serde_json::from_slice(frame).map_err(|_| unreadable())?;
    if let Some(error) = frame.error {
        let error = serde_json::to_value(error).unwrap_or(Value::Null);
        return Err(reply::of_frame("tail_logs", &error));
    }
    Ok(frame.result.map(LogLine::from).filter(|line| !line.message.is_empty() || line.created_at.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_without_a_line() {
        for frame in
            ["", "{}", r#"{"result":null}"#, r#"{"result":{}}"#, r#"{"result":{"msg":"","created_at":null}}"#]
        {
            assert_eq!(line(frame.as_bytes()).ok(), Some(None), "{frame}");
        }
        let error = line(br#"{"error":{"code":7,"message":"no"}}"#).map_err(|e| e.kind());
        assert_eq!(error.err(), Some(Kind::PermissionDenied));
        assert_eq!(line(b"<html>").map_err(|e| e.kind()).err(), Some(Kind::BadReply));
    }
}
