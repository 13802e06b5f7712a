//! The shell itself: runs lines, one command after the other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::planted::Commands;
use super::words::{self, Redirect, Step, Target, When, Word};

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// The files that commands see.
pub(crate) trait Files: Send + Sync + 'static {
    fn read(&self, path: &str) -> Option<Bytes>;
    /// False if the parent directory doesn't exist.
    fn write(&self, path: &str, data: &[u8], append: bool) -> bool;
    /// Makes a named pipe. False if that isn't supported.
    fn make_pipe(&self, _path: &str) -> bool {
        false
    }
    /// Mounts a disk of this size in bytes at a directory. False if that isn't supported.
    fn mount(&self, _path: &str, _bytes: usize) -> bool {
        false
    }
}

/// Addresses with the length of their prefix, by interface.
pub(crate) type Addresses = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    NotFound,
}

/// The reader went away, as with SIGPIPE.
#[derive(Debug)]
pub(super) struct Broken;

/// How a command ended, and whether the shell continues after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next(i32),
    Leave(i32),
    NotFound,
}

pub(super) type Ran = Result<Flow, Broken>;

/// Columns and rows of the terminal.
pub(crate) type Window = (u32, u32);

pub(crate) struct Shell {
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) addresses: Addresses,
    pub(crate) stdin: mpsc::Receiver<Bytes>,
    pub(crate) output: mpsc::Sender<(Stream, Bytes)>,
    pub(crate) window: watch::Receiver<Window>,
    pub(crate) hostname: String,
    /// Those with planted results.
    pub(crate) commands: Commands,
    /// What was read from stdin but not used yet.
    pub(crate) ahead: Vec<u8>,
    /// Code of the last command, `$?`.
    pub(crate) last: i32,
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("cwd", &self.cwd).finish_non_exhaustive()
    }
}

/// Where the two outputs of one command go.
#[derive(Debug, Clone)]
pub(super) struct Plumbing {
    out: Sink,
    err: Sink,
}

#[derive(Debug, Clone)]
enum Sink {
    Stream(Stream),
    File(String),
    Nowhere,
}

impl Plumbing {
    fn plain() -> Plumbing {
        Plumbing { out: Sink::Stream(Stream::Out), err: Sink::Stream(Stream::Err) }
    }
}

impl Shell {
    /// Runs one command line to its end.
    pub(crate) async fn run(mut self, argv: Vec<String>) -> Exit {
        match self.command(argv, &Plumbing::plain()).await {
            Ok(Flow::Next(code) | Flow::Leave(code)) => Exit::Code(code),
            Ok(Flow::NotFound) => Exit::NotFound,
            Err(Broken) => Exit::Code(141),
        }
    }

    /// Runs the text of `sh -c`, or a script on stdin.
    pub(super) fn script<'a>(&'a mut self, text: &'a str, to: &'a Plumbing) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            for step in words::parse(text) {
                if let Flow::Leave(code) = self.step(step, to).await? {
                    return Ok(Flow::Leave(code));
                }
            }
            Ok(Flow::Next(self.last))
        })
    }

    async fn step(&mut self, step: Step, to: &Plumbing) -> Ran {
        let wanted = match step.when {
            When::Always => true,
            When::Success => self.last == 0,
            When::Failure => self.last != 0,
        };
        if !wanted {
            return Ok(Flow::Next(self.last));
        }
        let to = self.redirected(&step.redirects, to.clone());
        let argv: Vec<String> = step.words.iter().map(|word| self.expand(word)).collect();
        let name = argv.first().cloned().unwrap_or_default();
        let mut flow = self.command(argv, &to).await?;
        if flow == Flow::NotFound {
            self.warn(&to, &format!("sh: {name}: not found\n")).await?;
            flow = Flow::Next(127);
        }
        if let Flow::Next(code) = flow {
            self.last = code;
        }
        Ok(flow)
    }

    fn expand(&self, word: &Word) -> String {
        let pieces = word.0.iter().map(|piece| match piece {
            words::Piece::Text(text) => text.clone(),
            words::Piece::Variable(name) => self.variable(name),
        });
        pieces.collect()
    }

    fn variable(&self, name: &str) -> String {
        match name {
            "?" => self.last.to_string(),
            name => self.env.get(name).cloned().unwrap_or_default(),
        }
    }

    fn redirected(&self, redirects: &[Redirect], mut to: Plumbing) -> Plumbing {
        for redirect in redirects {
            let sink = match &redirect.target {
                Target::Same(1) => to.out.clone(),
                Target::Same(_) => to.err.clone(),
                Target::File(word, append) => self.open(&self.expand(word), *append),
            };
            match redirect.fd {
                1 => to.out = sink,
                _ => to.err = sink,
            }
        }
        to
    }

    fn open(&self, path: &str, append: bool) -> Sink {
        let path = self.absolute(path);
        if path != "/dev/null" && self.files.write(&path, b"", append) {
            return Sink::File(path);
        }
        Sink::Nowhere
    }

    pub(super) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            return path.to_owned();
        }
        format!("{}/{path}", self.cwd.trim_end_matches('/'))
    }

    pub(super) async fn say(&self, to: &Plumbing, data: impl Into<Bytes>) -> Result<(), Broken> {
        self.put(&to.out, data.into()).await
    }

    pub(super) async fn warn(&self, to: &Plumbing, text: &str) -> Result<(), Broken> {
        self.complain(to, Bytes::copy_from_slice(text.as_bytes())).await
    }

    pub(super) async fn complain(&self, to: &Plumbing, data: Bytes) -> Result<(), Broken> {
        self.put(&to.err, data).await
    }

    async fn put(&self, sink: &Sink, data: Bytes) -> Result<(), Broken> {
        match sink {
            Sink::Nowhere => {}
            Sink::File(path) => {
                self.files.write(path, &data, true);
            }
            Sink::Stream(stream) if !data.is_empty() => {
                self.output.send((*stream, data)).await.map_err(|_| Broken)?;
            }
            Sink::Stream(_) => {}
        }
        Ok(())
    }

    /// The next piece of stdin. Empty at its end.
    pub(super) async fn read(&mut self) -> Option<Bytes> {
        if !self.ahead.is_empty() {
            return Some(Bytes::from(std::mem::take(&mut self.ahead)));
        }
        self.stdin.recv().await
    }

    /// The next line of stdin without its end.
    pub(super) async fn read_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                let rest = self.ahead.split_off(end + 1);
                let line = std::mem::replace(&mut self.ahead, rest);
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            match self.stdin.recv().await {
                Some(more) => self.ahead.extend_from_slice(&more),
                None if self.ahead.is_empty() => return None,
                None => self.ahead.push(b'\n'),
            }
        }
    }
}
