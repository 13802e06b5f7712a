//! A tail at work: one connection after the other.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{DATE, HeaderMap};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::fill::SECOND;
use super::shown::Shown;
use super::{Filter, Tailed, narrowed, says_why};
use crate::error::{Error, ErrorKind, Sent};
use crate::koyeb::{Koyeb, LogLine, Logs, given, reply, types};
use crate::stream::queue::Put;
use crate::stream::socket::{Frame, Socket};

/// After such a silence the service is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(15);
/// How long the service may be out of reach.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two attempts to reach it.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

pub(super) struct Follow {
    pub(super) koyeb: Koyeb,
    /// What was asked for.
    pub(super) filter: Filter,
    sink: Put<Result<Tailed, Error>>,
    pub(super) shown: Shown,
    clock: Clock,
}

/// Why one connection is over.
pub(super) enum Over {
    /// Nobody reads any more.
    Unread,
    /// Whether it was of use: the next one can follow soon.
    Cut {
        useful: bool,
    },
    Refused(Error),
}

impl Follow {
    /// Opens the first connection.
    pub(super) async fn begin(logs: Logs, sink: Put<Result<Tailed, Error>>) -> Result<(Self, Socket), Error> {
        let Logs { koyeb, filter, .. } = logs;
        let (socket, clock) = connect(&koyeb, &filter).await?;
        let shown = Shown::since(clock.now());
        Ok((Self { koyeb, filter, sink, shown, clock }, socket))
    }

    pub(super) async fn run(mut self, socket: Socket, mut stopped: watch::Receiver<bool>) {
        let end = tokio::select! {
            end = self.follow(socket) => end,
            () = told(&mut stopped) => None,
        };
        if let Some(e) = end {
            let _ = self.sink.put(Err(e), 0).await;
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
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(LONGEST);
            let Some(left) = PATIENCE.checked_sub(lost.elapsed()) else { return Some(out_of_reach()) };
            match tokio::time::timeout(left, self.again()).await {
                Ok(Ok(again)) => socket = Some(again),
                // A page of some proxy instead of the service passes.
                Ok(Err(e)) if is_final(e.kind()) && e.kind() != ErrorKind::BadReply => return Some(e),
                Ok(Err(e)) => tracing::debug!(error = %e, "a tail could not be opened again"),
                Err(_) => return Some(out_of_reach()),
            }
            if socket.is_some() {
                // The connection stands, so that nothing falls between what is searched and what comes on it.
                match self.fill().await {
                    Ok(true) => lost = Instant::now(),
                    Ok(false) => {}
                    Err(Over::Refused(e)) => return Some(e),
                    Err(_) => return None,
                }
            }
        }
    }

    /// Opens a connection that begins with what may be missing.
    async fn again(&mut self) -> Result<Socket, Error> {
        let filter = Filter { start: Some(self.hole().from), limit: None, ..self.filter.clone() };
        let (socket, clock) = connect(&self.koyeb, &filter).await?;
        self.clock = clock;
        Ok(socket)
    }

    async fn read(&mut self, socket: &Socket) -> Over {
        let (opened, mut heard, mut lines) = (Instant::now(), false, false);
        self.shown.begin_again();
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
                Ok(Some(line)) => match self.show(line, text.len()).await {
                    Ok(is_new) => lines |= is_new,
                    Err(over) => return over,
                },
                Err(e) if is_final(e.kind()) => return Over::Refused(e),
                // What went wrong on the other side may be cured by another connection.
                Err(_) => return Over::Cut { useful },
            }
        }
    }

    /// Passes on a line of so many bytes, unless it was shown before; whether it is new.
    pub(super) async fn show(&mut self, line: LogLine, bytes: usize) -> Result<bool, Over> {
        if self.shown.is_repeated(&line, self.now()) {
            return Ok(false);
        }
        self.tell(Tailed::Line(line), bytes).await.map(|()| true)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) async fn tell(&self, tailed: Tailed, bytes: usize) -> Result<(), Over> {
        self.sink.put(Ok(tailed), bytes).await.map_err(|_| Over::Unread)
    }

    /// A connection that ended before anything was said: a wrong token looks so, too.
    async fn why_closed(&self, useful: bool) -> Over {
        match narrowed!(self.koyeb.raw().query_logs(), self.filter.clone()).limit("1").send().await {
            Err(e) if says_why(e.kind()) => Over::Refused(e),
            _ => Over::Cut { useful },
        }
    }
}

async fn connect(koyeb: &Koyeb, filter: &Filter) -> Result<(Socket, Clock), Error> {
    let call = narrowed!(koyeb.raw().tail_logs(), filter.clone()).send();
    let (connection, head) = call.with_head().await?;
    Ok((Socket::open(connection).await.watched(QUIET, QUIET), Clock::of(head.headers())))
}

/// The service's clock, by which lines are timed; ours may be wrong.
#[derive(Debug, Clone, Copy)]
struct Clock {
    at: DateTime<Utc>,
    since: Instant,
}

impl Clock {
    /// By the time that an answer names, or by ours.
    fn of(headers: &HeaderMap) -> Self {
        let named = headers.get(DATE).and_then(|date| date.to_str().ok());
        let named = named.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        // It is without its fraction of a second.
        let named = named.and_then(|date| date.to_utc().checked_add_signed(SECOND));
        Self { at: named.unwrap_or_else(Utc::now), since: Instant::now() }
    }

    fn now(self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(self.since.elapsed()).unwrap_or(TimeDelta::MAX);
        self.at.checked_add_signed(passed).unwrap_or(self.at)
    }
}

async fn told(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        // The tail itself is gone, and this task with it.
        std::future::pending().await
    }
}

/// What no other connection will cure.
fn is_final(kind: ErrorKind) -> bool {
    says_why(kind)
        || matches!(
            kind,
            ErrorKind::InvalidInput
                | ErrorKind::Unsupported
                | ErrorKind::Conflict
                | ErrorKind::BadReply
                | ErrorKind::Rejected
        )
}

fn out_of_reach() -> Error {
    let message = format!("the logs could not be reached for {} seconds", PATIENCE.as_secs());
    Error::new(ErrorKind::Interrupted, message).with(|e| e.sent = Sent::Yes)
}

/// The line in a frame; some have none.
fn line(frame: &[u8]) -> Result<Option<LogLine>, Error> {
    if frame.is_empty() {
        return Ok(None);
    }
    let unreadable = || {
        let e = Error::new(ErrorKind::BadReply, "a frame isn't what the API describes");
        e.with(|e| e.sent = Sent::Yes)
    };
    let frame: types::LogFrame = serde_json::from_slice(frame).map_err(|_| unreadable())?;
    if let Some(error) = frame.error {
        let error = serde_json::to_value(error).unwrap_or(Value::Null);
        return Err(reply::of_frame(&error));
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
        assert_eq!(error.err(), Some(ErrorKind::PermissionDenied));
        assert_eq!(line(b"<html>").map_err(|e| e.kind()).err(), Some(ErrorKind::BadReply));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_the_service() -> Result<(), Box<dyn std::error::Error>> {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Thu, 01 Jan 2026 00:00:00 GMT".parse()?);
        let clock = Clock::of(&headers);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now().to_rfc3339(), "2026-01-01T00:01:31+00:00");
        headers.insert(DATE, "soon".parse()?);
        assert!((Utc::now() - Clock::of(&headers).now()).abs() < TimeDelta::hours(1));
        Ok(())
    }
}
