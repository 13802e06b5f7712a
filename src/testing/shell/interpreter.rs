//! The shell itself: what it runs in, and how it runs lists, pipelines and simple commands.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::limits::{Budget, Stop};
use super::planted::Commands;
use super::plumbing::{Input, Plumbing, Sink, Stream};
use super::syntax::{Command, Item, List, Pipeline, Redirect, Simple, Target, When};
use super::variables::Variables;

/// How deep shells, loops and substitutions may be nested.
const DEPTH: usize = 12;

/// The files that commands see.
pub(crate) trait Files: Send + Sync + 'static {
    fn read(&self, path: &str) -> Option<Bytes>;
    /// False if the parent directory doesn't exist.
    fn write(&self, path: &str, data: &[u8], append: bool) -> bool;
    fn is_directory(&self, path: &str) -> bool;
    /// Whether the mode of a file lets it run.
    fn is_executable(&self, path: &str) -> bool;
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

/// How a command ended, and whether the shell continues after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next(i32),
    Leave(i32),
    /// No shell has complained yet.
    NotFound,
    /// Likewise: a file that may not be run.
    NotExecutable,
    /// Ends this many loops.
    Break(usize),
    /// Ends all but the last of this many loops, and goes on with the next turn of that.
    Continue(usize),
}

impl Flow {
    pub(super) fn code(self) -> i32 {
        match self {
            Flow::Next(code) | Flow::Leave(code) => code,
            Flow::NotFound => 127,
            Flow::NotExecutable => 126,
            Flow::Break(_) | Flow::Continue(_) => 0,
        }
    }
}

pub(super) type Ran = Result<Flow, Stop>;

/// Columns and rows of the terminal.
pub(crate) type Window = (u32, u32);

/// What a command runs in.
pub(crate) struct Guest {
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) addresses: Addresses,
    pub(crate) output: mpsc::Sender<(Stream, Bytes)>,
    pub(crate) window: watch::Receiver<Window>,
    pub(crate) hostname: String,
    /// Those with planted results.
    pub(crate) commands: Commands,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("hostname", &self.hostname).finish_non_exhaustive()
    }
}

impl Guest {
    /// Runs one command to its end, and gives its exit code. No shell calls it: nothing is printed if there is no
    /// such command, or if it can't be run.
    pub(crate) async fn run(self, stdin: mpsc::Receiver<Bytes>, argv: Vec<String>) -> i32 {
        let state = State::new(&self);
        let guest = Arc::new(self);
        let mut shell = Shell { guest, state, stdin: Input::new(stdin), budget: Arc::default() };
        match shell.command(argv, &Plumbing::plain()).await {
            Ok(flow) => flow.code(),
            Err(Stop::Broken) => 141,
            Err(Stop::Fault(why)) => {
                // No redirection hides it. The reader may be gone.
                let _ = shell.warn(&Plumbing::plain(), &format!("sh: {why}\n")).await;
                2
            }
        }
    }
}

/// What a subshell has of its own.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) variables: Variables,
    pub(super) cwd: String,
    /// `$0`.
    pub(super) name: String,
    /// `$1` and so on.
    pub(super) arguments: Vec<String>,
    pub(super) options: Options,
    /// Code of the last command, `$?`.
    pub(super) last: i32,
    /// Code of the last `$(…)` in the current command.
    pub(super) substituted: Option<i32>,
    /// In so many conditions, where a failure doesn't end the shell.
    pub(super) guarded: usize,
    pub(super) loops: usize,
    pub(super) depth: usize,
}

/// What `set` sets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) errexit: bool,
    pub(super) nounset: bool,
    pub(super) pipefail: bool,
}

impl State {
    fn new(guest: &Guest) -> State {
        State {
            variables: Variables::of_environment(guest.env.clone()),
            cwd: guest.cwd.clone(),
            name: "sh".to_owned(),
            arguments: Vec::new(),
            options: Options::default(),
            last: 0,
            substituted: None,
            guarded: 0,
            loops: 0,
            depth: 0,
        }
    }
}

pub(super) struct Shell {
    pub(super) guest: Arc<Guest>,
    pub(super) state: State,
    pub(super) stdin: Input,
    pub(super) budget: Arc<Budget>,
}

impl Shell {
    pub(super) fn list<'a>(&'a mut self, list: &'a List, to: &'a Plumbing) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            if self.state.depth == DEPTH {
                return Err(Stop::limit("shells and loops are nested too deeply"));
            }
            self.state.depth += 1;
            let ran = self.items(list, to).await;
            self.state.depth -= 1;
            ran
        })
    }

    async fn items(&mut self, list: &[Item], to: &Plumbing) -> Ran {
        for (at, item) in list.iter().enumerate() {
            let wanted = match item.when {
                When::Always => true,
                When::Success => self.state.last == 0,
                When::Failure => self.state.last != 0,
            };
            if !wanted {
                continue;
            }
            let judged = list.get(at + 1).is_some_and(|next| next.when != When::Always);
            let flow = self.pipeline(&item.pipeline, judged, to).await?;
            if !matches!(flow, Flow::Next(_)) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next(self.state.last))
    }

    /// `judged`: something looks at its status, so `set -e` doesn't.
    async fn pipeline(&mut self, pipeline: &Pipeline, judged: bool, to: &Plumbing) -> Ran {
        let guarded = judged || pipeline.negated;
        self.state.guarded += usize::from(guarded);
        let flow = match pipeline.commands.as_slice() {
            [one] => self.one(one, to).await?,
            many => self.stages(many, to).await?,
        };
        self.state.guarded -= usize::from(guarded);
        let Flow::Next(code) = flow else {
            return Ok(flow);
        };
        let code = if pipeline.negated { i32::from(code == 0) } else { code };
        self.state.last = code;
        let fatal = code != 0 && !guarded && self.state.guarded == 0 && self.state.options.errexit;
        Ok(if fatal { Flow::Leave(code) } else { Flow::Next(code) })
    }

    pub(super) async fn one(&mut self, command: &Command, to: &Plumbing) -> Ran {
        match command {
            Command::Simple(simple) => self.simple(simple, to).await,
            Command::Compound(compound, redirects) => {
                let Some((to, input)) = self.redirected(redirects, to).await? else {
                    return Ok(Flow::Next(1));
                };
                let outer = input.map(|input| std::mem::replace(&mut self.stdin, input));
                let flow = self.compound(compound, &to).await;
                self.stdin_back(outer);
                flow
            }
        }
    }

    pub(super) fn stdin_back(&mut self, outer: Option<Input>) {
        if let Some(outer) = outer {
            self.stdin = outer;
        }
    }

    async fn simple(&mut self, simple: &Simple, to: &Plumbing) -> Ran {
        self.budget.step().await?;
        self.state.substituted = None;
        let argv = self.words(&simple.words).await?;
        let mut values = Vec::new();
        for (name, word) in &simple.assignments {
            values.push((name.clone(), self.text(word).await?));
        }
        let Some((to, input)) = self.redirected(&simple.redirects, to).await? else {
            return Ok(Flow::Next(1));
        };
        if argv.is_empty() {
            for (name, value) in values {
                self.state.variables.set(&name, value)?;
            }
            return Ok(Flow::Next(self.state.substituted.unwrap_or(0)));
        }
        let outer = input.map(|input| std::mem::replace(&mut self.stdin, input));
        let flow = self.with(values, argv, &to).await;
        self.stdin_back(outer);
        flow
    }

    /// Runs a command with variables that last as long as it does.
    pub(super) async fn with(
        &mut self,
        values: Vec<(String, String)>,
        argv: Vec<String>,
        to: &Plumbing,
    ) -> Ran {
        let mut before = Vec::new();
        for (name, value) in values {
            before.push((name.clone(), self.state.variables.get(&name).map(str::to_owned)));
            self.state.variables.set(&name, value)?;
            self.state.variables.export(&name);
        }
        let name = argv.first().cloned().unwrap_or_default();
        let flow = self.command(argv, to).await?;
        for (name, value) in before {
            match value {
                Some(value) => self.state.variables.set(&name, value)?,
                None => self.state.variables.unset(&name),
            }
        }
        let complaint = match flow {
            Flow::NotFound => "not found",
            Flow::NotExecutable => "Permission denied",
            _ => return Ok(flow),
        };
        self.warn(to, &format!("sh: {name}: {complaint}\n")).await?;
        Ok(Flow::Next(flow.code()))
    }

    /// Where a command with these redirections reads and writes; none if a file can't be opened.
    async fn redirected(
        &mut self,
        redirects: &[Redirect],
        to: &Plumbing,
    ) -> Result<Option<(Plumbing, Option<Input>)>, Stop> {
        let (mut to, mut input) = (to.clone(), None);
        for redirect in redirects {
            let sink = match &redirect.target {
                Target::Same(1) => to.out.clone(),
                Target::Same(_) => to.err.clone(),
                Target::File { path, append } => {
                    let path = self.text(path).await?;
                    let Some(sink) = self.open(&path, *append, &to).await? else { return Ok(None) };
                    sink
                }
                Target::Input(path) => {
                    let path = self.text(path).await?;
                    input = self.source(&path, &to).await?;
                    if input.is_none() {
                        return Ok(None);
                    }
                    continue;
                }
            };
            match redirect.fd {
                1 => to.out = sink,
                _ => to.err = sink,
            }
        }
        Ok(Some((to, input)))
    }

    async fn open(&self, path: &str, append: bool, to: &Plumbing) -> Result<Option<Sink>, Stop> {
        match path {
            "/dev/null" => return Ok(Some(Sink::Nowhere)),
            "/dev/stdout" => return Ok(Some(to.out.clone())),
            "/dev/stderr" => return Ok(Some(to.err.clone())),
            _ => {}
        }
        let file = self.absolute(path);
        if self.guest.files.write(&file, b"", append) {
            return Ok(Some(Sink::File(file)));
        }
        self.warn(to, &format!("sh: can't create {path}: nonexistent directory\n")).await?;
        Ok(None)
    }

    async fn source(&self, path: &str, to: &Plumbing) -> Result<Option<Input>, Stop> {
        if path == "/dev/null" {
            return Ok(Some(Input::of(Vec::new())));
        }
        if let Some(data) = self.guest.files.read(&self.absolute(path)) {
            return Ok(Some(Input::of(data.to_vec())));
        }
        self.warn(to, &format!("sh: can't open {path}: no such file\n")).await?;
        Ok(None)
    }

    /// The path from the root, without `.` and `..`.
    pub(super) fn absolute(&self, path: &str) -> String {
        let base = if path.starts_with('/') { "" } else { self.state.cwd.as_str() };
        let mut parts: Vec<&str> = Vec::new();
        for part in base.split('/').chain(path.split('/')) {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    pub(super) async fn say(&self, to: &Plumbing, data: impl Into<Bytes>) -> Result<(), Stop> {
        self.put(&to.out, data.into()).await
    }

    pub(super) async fn warn(&self, to: &Plumbing, text: &str) -> Result<(), Stop> {
        self.complain(to, Bytes::copy_from_slice(text.as_bytes())).await
    }

    pub(super) async fn complain(&self, to: &Plumbing, data: Bytes) -> Result<(), Stop> {
        self.put(&to.err, data).await
    }

    async fn put(&self, sink: &Sink, data: Bytes) -> Result<(), Stop> {
        if data.is_empty() {
            return Ok(());
        }
        match sink {
            // Nothing slows these two down.
            Sink::Nowhere => self.budget.step().await,
            Sink::File(path) => {
                self.budget.step().await?;
                self.budget.write(data.len())?;
                match self.guest.files.write(path, &data, true) {
                    true => Ok(()),
                    false => Err(Stop::unsupported(format!("writing to {path}"))),
                }
            }
            Sink::Pipe(pipe) => pipe.send(data).await.map_err(|_| Stop::Broken),
            Sink::Stream(stream) => self.guest.output.send((*stream, data)).await.map_err(|_| Stop::Broken),
        }
    }
}
