//! Where commands read from and write to.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::limits::Stop;
use super::parser::LONGEST;

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// Where the two outputs of one command go.
#[derive(Debug, Clone)]
pub(super) struct Plumbing {
    pub(super) out: Sink,
    pub(super) err: Sink,
}

#[derive(Debug, Clone)]
pub(super) enum Sink {
    Stream(Stream),
    File(String),
    Pipe(mpsc::Sender<Bytes>),
    Nowhere,
}

impl Plumbing {
    pub(super) fn plain() -> Plumbing {
        Plumbing { out: Sink::Stream(Stream::Out), err: Sink::Stream(Stream::Err) }
    }

    /// The same, with standard output into a pipe.
    pub(super) fn with_pipe(&self, pipe: mpsc::Sender<Bytes>) -> Plumbing {
        Plumbing { out: Sink::Pipe(pipe), err: self.err.clone() }
    }
}

/// What a command reads.
#[derive(Debug)]
pub(super) struct Input {
    from: mpsc::Receiver<Bytes>,
    /// What was read but not used yet.
    ahead: Vec<u8>,
}

impl Input {
    pub(super) fn new(from: mpsc::Receiver<Bytes>) -> Input {
        Input { from, ahead: Vec::new() }
    }

    pub(super) fn of(ahead: Vec<u8>) -> Input {
        Input { ahead, ..Input::new(mpsc::channel(1).1) }
    }

    /// The next piece; none at the end.
    pub(super) async fn read(&mut self) -> Option<Bytes> {
        if !self.ahead.is_empty() {
            return Some(Bytes::from(std::mem::take(&mut self.ahead)));
        }
        self.from.recv().await
    }

    /// The next line without its end, and whether it had one.
    pub(super) async fn line(&mut self) -> Result<Option<(String, bool)>, Stop> {
        loop {
            if let Some(end) = self.ahead.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                let rest = self.ahead.split_off(end + 1);
                let line = std::mem::replace(&mut self.ahead, rest);
                return Ok(Some((String::from_utf8_lossy(&line[..end]).into_owned(), true)));
            }
            if self.ahead.len() > LONGEST {
                return Err(Stop::limit("a line of more than 1 MiB"));
            }
            match self.from.recv().await {
                Some(more) => self.ahead.extend_from_slice(&more),
                None if self.ahead.is_empty() => return Ok(None),
                None => {
                    let line = std::mem::take(&mut self.ahead);
                    return Ok(Some((String::from_utf8_lossy(&line).into_owned(), false)));
                }
            }
        }
    }
}
