//! What a tail passes on, and the connections that it opens.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::clock::Clock;
use super::dedup::{Hole, Shown};
use super::tailed::Tailed;
use crate::error::Error;
use crate::koyeb::client::Koyeb;
use crate::koyeb::logs::{Filter, LogLine, Logs, narrowed};
use crate::stream::queue::Put;
use crate::stream::websocket::Socket;

/// How many old lines a tail starts with, and how many are on a page of a search.
pub(super) const PAGE: u32 = 1000;
/// After such a silence the service is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(15);

pub(super) struct Feed {
    pub(super) koyeb: Koyeb,
    /// What was asked for.
    pub(super) filter: Filter,
    sink: Put<Result<Tailed, Error>>,
    pub(super) shown: Shown,
    clock: Clock,
}

/// Why one connection is over.
pub(super) enum Over {
    /// The tail isn't read any more.
    Unread,
    /// Whether it was of use: the next one can follow soon.
    Cut {
        useful: bool,
    },
    Refused(Error),
}

impl Feed {
    /// Opens the first connection.
    pub(super) async fn begin(logs: Logs, sink: Put<Result<Tailed, Error>>) -> Result<(Self, Socket), Error> {
        let Logs { koyeb, filter, .. } = logs;
        let (socket, clock) = connect(&koyeb, &filter).await?;
        let shown = Shown::since(clock.now());
        Ok((Self { koyeb, filter, sink, shown, clock }, socket))
    }

    /// Opens a connection that starts with what may be missing.
    pub(super) async fn again(&mut self) -> Result<Socket, Error> {
        let filter = Filter { start: Some(self.hole().from), limit: None, ..self.filter.clone() };
        let (socket, clock) = connect(&self.koyeb, &filter).await?;
        self.clock = clock;
        Ok(socket)
    }

    pub(super) fn old(&self) -> u32 {
        self.filter.limit.unwrap_or(PAGE)
    }

    /// What must be searched; never more than was asked for.
    pub(super) fn hole(&self) -> Hole {
        let hole = self.shown.hole(self.old());
        Hole { from: self.filter.start.map_or(hole.from, |start| hole.from.max(start)), ..hole }
    }

    /// Passes on a line of this many bytes unless it was passed on before. Whether it is new.
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

    /// Ends the tail with this error.
    pub(super) async fn end(&mut self, e: Error) {
        let _ = self.sink.put(Err(e), 0).await;
    }
}

async fn connect(koyeb: &Koyeb, filter: &Filter) -> Result<(Socket, Clock), Error> {
    let call = narrowed!(koyeb.raw().tail_logs(), filter.clone()).send();
    let (connection, head) = call.with_head().await?;
    Ok((Socket::open(connection).await.watched(QUIET, QUIET), Clock::of(head.headers())))
}
