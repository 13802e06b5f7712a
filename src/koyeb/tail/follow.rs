//! A tail at work: one connection after the other.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::feed::{Feed, Over};
use crate::error::{Error, ErrorKind, Sent};
use crate::koyeb::logs::{LogLine, narrowed};
use crate::koyeb::reply::{self, says_why};
use crate::koyeb::types;
use crate::stream::websocket::{Frame, Socket};

/// How long the service may be out of reach.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two attempts to reach it.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// Follows until it is stopped, isn't read any more, or fails.
pub(super) async fn run(mut feed: Feed, socket: Socket, mut stopped: watch::Receiver<bool>) {
    let end = tokio::select! {
        end = feed.follow(socket) => end,
        () = told(&mut stopped) => None,
    };
    if let Some(e) = end {
        feed.end(e).await;
    }
}

impl Feed {
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
                // The new connection is open already, so no line falls between the search and what arrives on it.
                match self.fill().await {
                    Ok(true) => lost = Instant::now(),
                    Ok(false) => {}
                    Err(Over::Refused(e)) => return Some(e),
                    Err(_) => return None,
                }
            }
        }
    }

    async fn read(&mut self, socket: &Socket) -> Over {
        let (opened, mut heard, mut lines) = (Instant::now(), false, false);
        self.shown.begin_again();
        loop {
            let next = socket.next().await;
            let useful = lines || opened.elapsed() > LONGEST;
            let text = match next {
                Ok(Some(Frame::Text(text) | Frame::Binary(text))) => text,
                // It is larger than the limit, and would be so again.
                Err(e) if e.kind() == ErrorKind::BadReply => return Over::Refused(e),
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
                // Another connection may cure what went wrong on the other side.
                Err(_) => return Over::Cut { useful },
            }
        }
    }

    /// A connection that ended before anything was said: a wrong token looks so, too.
    async fn why_closed(&self, useful: bool) -> Over {
        match narrowed!(self.koyeb.raw().query_logs(), self.filter.clone()).limit("1").send().await {
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

/// Errors that another connection won't cure.
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
}
