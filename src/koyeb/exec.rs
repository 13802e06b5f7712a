//! Running commands in an instance over a websocket.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::client::Koyeb;
use super::exec_protocol;
use super::instance::Instance;
use super::reply::says_why;
use super::service::Service;
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::stream::process::{
    Control, ControlRequest, Controls, ExitStatus, Input, Output, Process, Sink, StdinSource, Wires,
};
use crate::stream::websocket::{Frame, Socket};
use crate::transport::{Label, checked};

/// Runs a command; from [`Instance::exec`] or [`Service::exec`].
///
/// The program is started directly, without a shell. It has no terminal unless [`terminal`](Self::terminal) gives it one.
#[derive(Clone)]
#[must_use = "nothing runs before `.output().await` or `.spawn().await`"]
pub struct Exec {
    target: Target,
    command: Vec<String>,
    terminal: Option<(u16, u16)>,
    stdin: StdinSource,
    keepalive: Duration,
    max_output: u64,
}

/// Where a command runs.
#[derive(Debug, Clone)]
struct Target {
    koyeb: Koyeb,
    id: String,
    is_service: bool,
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The input may be secret.
        f.debug_struct("Exec")
            .field("target", &self.target.id)
            .field("command", &self.command)
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

impl<D: Identified> Instance<D> {
    /// Runs a command in the instance, in the manner of `std::process::Command`.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::koyeb::Instance) -> windlass::Result<()> {
    /// let done = web.exec(["sh", "-c", "echo hello; exit 3"]).output().await?;
    /// assert_eq!(done.status.code(), 3);
    /// assert_eq!(done.stdout_text(), "hello\n");
    /// # Ok(()) }
    /// ```
    pub fn exec<A: Into<String>>(&self, command: impl IntoIterator<Item = A>) -> Exec {
        Exec::new(&self.koyeb, self.id(), false, command)
    }
}

impl<D: Identified> Service<D> {
    /// Runs a command in one of the service's instances, which the service chooses.
    pub fn exec<A: Into<String>>(&self, command: impl IntoIterator<Item = A>) -> Exec {
        Exec::new(&self.koyeb, self.id(), true, command)
    }
}

impl Exec {
    fn new<A: Into<String>>(
        koyeb: &Koyeb,
        id: &str,
        is_service: bool,
        command: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            target: Target { koyeb: koyeb.clone(), id: id.to_owned(), is_service },
            command: command.into_iter().map(Into::into).collect(),
            terminal: None,
            stdin: StdinSource::Bytes(Bytes::new()),
            keepalive: Duration::from_secs(20),
            max_output: koyeb.raw().handle.limits().output,
        }
    }

    /// Gives it a terminal with this many columns and rows. Standard error then arrives as standard output.
    pub fn terminal(mut self, width: u16, height: u16) -> Self {
        self.terminal = Some((width, height));
        self
    }

    /// Its standard input; empty if not set.
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Self {
        self.stdin = StdinSource::Bytes(bytes.into());
        self
    }

    /// Lets you write its standard input; see [`Process::take_stdin`].
    pub fn pipe_stdin(mut self) -> Self {
        self.stdin = StdinSource::Pipe;
        self
    }

    /// After how long a silence the service is asked whether it is still there, and how long its answer may take: 20
    /// seconds if not set. No answer is an error of [`ErrorKind::Timeout`].
    ///
    /// A service that is busy with unread input may not answer, so this is turned off after more than 32 KiB of input.
    pub fn keepalive(mut self, silence: Duration) -> Self {
        self.keepalive = silence;
        self
    }

    /// How much [`output`](Self::output) collects at most, in bytes of standard output and standard error together. The
    /// default is [`Limits::output`](crate::Limits::output), 64 MiB if that isn't set.
    pub fn max_output(mut self, bytes: u64) -> Self {
        self.max_output = bytes;
        self
    }

    /// Waits until it has ended, and collects its output.
    ///
    /// An exit status other than 0 is not an error here; see [`Output::success`].
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) with what came before if there is more output than
    /// [`max_output`](Self::max_output); [`Interrupted`](ErrorKind::Interrupted) if the connection breaks; and those of
    /// [`spawn`](Self::spawn).
    pub async fn output(self) -> Result<Output, Error> {
        self.spawn().await?.output().await
    }

    /// Starts it, to read its output as it arrives.
    ///
    /// ```no_run
    /// use windlass::Chunk;
    /// # async fn demo(web: windlass::koyeb::Instance) -> windlass::Result<()> {
    /// let mut run = web.exec(["ps", "-ef"]).spawn().await?;
    /// while let Some(chunk) = run.try_next().await? {
    ///     match chunk {
    ///         Chunk::Stdout(bytes) => print!("{}", String::from_utf8_lossy(&bytes)),
    ///         Chunk::Stderr(bytes) => eprint!("{}", String::from_utf8_lossy(&bytes)),
    ///         Chunk::Exited(status) => status.success()?,
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// The service has no signals: [`Process::signal`] is an error of [`ErrorKind::Unsupported`]. [`Process::kill`] closes the
    /// connection, and so does dropping the process; the exit status is then unknown, and waiting for it is an error of
    /// [`ErrorKind::Cancelled`].
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the command or the terminal can't be right,
    /// [`NotFound`](ErrorKind::NotFound) if there is no such instance or service, and those of
    /// [every request](Koyeb#errors).
    pub async fn spawn(self) -> Result<Process, Error> {
        let label = self.target.koyeb.label("exec_command", &self.target.id);
        label.clone().watch(self.started(label)).await
    }

    async fn started(self, label: Label) -> Result<Process, Error> {
        self.check()?;
        let Self { target, command, terminal, stdin, keepalive, max_output } = self;
        let socket = target.connect().await?.watched(keepalive, keepalive);
        let start = exec_protocol::start(&target.id, target.id_type(), &command, terminal.is_some());
        let talk = Talk { socket, target, terminal: terminal.is_some() };
        talk.begin(&start).await?;
        if let Some((width, height)) = terminal {
            talk.begin(&exec_protocol::size(width, height)).await?;
        }
        Ok(Process::new(stdin, |wires| talk.run(wires)).of(label, max_output))
    }

    fn check(&self) -> Result<(), Error> {
        checked("id", &self.target.id)?;
        if matches!(self.terminal, Some((0, _) | (_, 0))) {
            return Err(Error::invalid("terminal", "has no room at all"));
        }
        match self.command.first() {
            None => Err(Error::invalid("command", "is empty")),
            Some(program) if program.is_empty() => Err(Error::invalid("command", "names no program")),
            Some(_) => Ok(()),
        }
    }
}

impl Target {
    fn id_type(&self) -> &'static str {
        if self.is_service { "SERVICE_ID" } else { "INSTANCE_ID" }
    }

    async fn connect(&self) -> Result<Socket, Error> {
        let request = self.koyeb.raw().exec_command();
        // In a query the service takes an id for that of an instance.
        let request = if self.is_service { request } else { request.id(self.id.as_str()) };
        Ok(Socket::open(request.send().await?).await)
    }

    /// A connection that ended before anything was said: a wrong token or id looks so, too.
    async fn why_closed(&self) -> Error {
        let asked = match self.is_service {
            true => self.koyeb.service(&self.id).get().await.map(|_| ()),
            false => self.koyeb.instance(&self.id).get().await.map(|_| ()),
        };
        match asked {
            Err(e) if says_why(e.kind()) => e,
            _ => cut("the connection closed before the command said anything").with(|e| {
                e.suggestion = Some(
                    "with several organizations, commands need Connect::organization or the organization's own token"
                        .to_owned(),
                );
            }),
        }
    }
}

/// A connection that broke, unlike one that is silent, has a cause.
fn is_cut(e: &Error) -> bool {
    std::error::Error::source(e).is_some()
}

fn cut(message: &str) -> Error {
    Error::new(ErrorKind::Interrupted, message).with(|e| e.sent = Sent::Yes)
}

/// The connection of a running command.
struct Talk {
    socket: Socket,
    target: Target,
    terminal: bool,
}

/// With more than this on its way, the other side may be too busy to answer a ping.
const UNREAD: usize = 32 * 1024;
/// How long a killed command may take to send its last output.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Talk {
    async fn say(&self, frame: &str) -> Result<(), Error> {
        self.socket.send_text(frame).await
    }

    /// Sends the first frames. The service may have closed the connection already.
    async fn begin(&self, frame: &str) -> Result<(), Error> {
        match self.say(frame).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.target.why_closed().await),
        }
    }

    async fn run(self, wires: Wires) -> Result<ExitStatus, Error> {
        let Wires { output, input, mut controls } = wires;
        // One task for both directions, because they share a connection.
        let ended = tokio::select! {
            ended = self.listen(&output) => Some(ended),
            never = self.feed(input) => never,
            () = self.obey(&mut controls) => None,
        };
        match ended {
            Some(ended) => {
                // The other side should not have to find out by itself.
                let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close()).await;
                ended
            }
            None => self.die(&output).await,
        }
    }

    /// Passes output on until a frame says that the command has ended.
    async fn listen(&self, output: &Sink) -> Result<ExitStatus, Error> {
        let mut silent = true;
        loop {
            let said = match self.socket.next().await {
                Ok(Some(Frame::Text(text) | Frame::Binary(text))) => exec_protocol::read(&text)?,
                Ok(None) if silent => return Err(self.target.why_closed().await),
                Err(e) if silent && is_cut(&e) => return Err(self.target.why_closed().await),
                Ok(None) => return Err(cut("the connection closed without an exit status")),
                Err(e) => return Err(e),
            };
            silent = false;
            for chunk in said.output {
                output.put(chunk).await;
            }
            if let Some(code) = said.exited {
                return Ok(ExitStatus::new(code));
            }
        }
    }

    /// Sends all input and its end. The command may end without reading it.
    async fn feed<T>(&self, mut input: Input) -> T {
        let mut sent = 0;
        while let Some(piece) = input.next(exec_protocol::PIECE).await {
            sent += piece.len();
            if sent > UNREAD {
                self.socket.watch_no_more();
            }
            if self.say(&exec_protocol::stdin(&piece)).await.is_err() {
                // Reading tells why.
                drop(input);
                return std::future::pending().await;
            }
        }
        let _ = self.say(&exec_protocol::end_of_stdin()).await;
        std::future::pending().await
    }

    /// Does what the caller asks for; returns after a kill.
    async fn obey(&self, controls: &mut Controls) {
        loop {
            let asked = controls.next().await;
            match asked.control {
                Control::Resize { width, height } => self.resize(asked, width, height).await,
                Control::Kill => {
                    let closed = tokio::time::timeout(LAST_WORDS, self.socket.close()).await;
                    asked.answer(closed.unwrap_or(Ok(())));
                    return;
                }
                _ => asked.refuse("Koyeb has no signals; kill() closes the connection"),
            }
        }
    }

    async fn resize(&self, asked: ControlRequest, width: u16, height: u16) {
        let result = match self.terminal {
            true => self.say(&exec_protocol::size(width, height)).await,
            false => Err(Error::invalid("size", "the command has no terminal")),
        };
        asked.answer(result);
    }

    async fn die(&self, output: &Sink) -> Result<ExitStatus, Error> {
        match tokio::time::timeout(LAST_WORDS, self.listen(output)).await {
            Ok(Ok(status)) => Ok(status),
            _ => Err(cut("the command was killed; its exit status is unknown")
                .with(|e| e.kind = ErrorKind::Cancelled)),
        }
    }
}
