//! Running commands in an instance over websockets.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::oneshot;

use super::ending::Ending;
use super::instance::Subject;
use super::reply::open;
use super::work::IncusWork;
use super::{Incus, Instance, InstanceRef, checked_name, scoped, types};
use crate::error::{Error, Kind, Sent};
use crate::process::{Chunk, ExitStatus, Input, Output, Process, Sink, Source, Wires};
use crate::secret::Secret;
use crate::socket::{Frame, Socket};
use crate::ticket::Ticket;
use crate::wait::BoxFuture;

/// A command to run; from [`Instance::exec`].
///
/// The program is run as it is: no shell takes part.
#[derive(Clone)]
#[must_use = "nothing runs before `.output().await` or `.spawn().await`"]
pub struct Exec {
    instance: InstanceRef,
    exec: types::InstanceExec,
    stdin: Source,
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of variables and the input may be secret.
        f.debug_struct("Exec")
            .field("instance", &self.instance.name())
            .field("command", &self.exec.command)
            .field("environment", &self.exec.environment.keys())
            .finish_non_exhaustive()
    }
}

impl<D: Subject> Instance<D> {
    /// Runs a command in the instance, in the manner of `std::process::Command`.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let done = web.exec(["sh", "-c", "echo $GREETING"]).env("GREETING", "hello").output().await?;
    /// assert_eq!(done.status.code(), 0);
    /// assert_eq!(done.stdout_text(), "hello\n");
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/instance-exec/>
    pub fn exec<A: Into<String>>(&self, command: impl IntoIterator<Item = A>) -> Exec {
        let exec = types::InstanceExec {
            command: command.into_iter().map(Into::into).collect(),
            environment: BTreeMap::new(),
            wait_for_websocket: true,
            interactive: false,
            record_output: false,
            width: None,
            height: None,
            user: None,
            group: None,
            cwd: None,
        };
        Exec { instance: self.named(), exec, stdin: Source::Bytes(Bytes::new()) }
    }
}

impl Exec {
    /// Sets an environment variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.exec.environment.insert(name.into(), value.into());
        self
    }

    /// Runs it in this directory.
    pub fn current_dir(mut self, directory: impl Into<String>) -> Self {
        self.exec.cwd = Some(directory.into());
        self
    }

    /// Runs it as this user, by number.
    pub fn uid(mut self, user: u32) -> Self {
        self.exec.user = Some(user.into());
        self
    }

    /// Runs it as this group, by number.
    pub fn gid(mut self, group: u32) -> Self {
        self.exec.group = Some(group.into());
        self
    }

    /// What it reads from standard input; nothing if not set.
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Self {
        self.stdin = Source::Bytes(bytes.into());
        self
    }

    /// Lets it read from a writer: [`Process::take_stdin`].
    pub fn pipe_stdin(mut self) -> Self {
        self.stdin = Source::Pipe;
        self
    }

    /// Runs it to its end and collects what it wrote.
    ///
    /// An exit status other than 0 is not an error here: see [`Output::success`]. A command that doesn't exist is an
    /// error of [`Kind::NotFound`].
    pub async fn output(self) -> Result<Output, Error> {
        self.spawn().await?.output().await
    }

    /// Starts it, to read its output as it comes.
    ///
    /// ```no_run
    /// use windlass::Chunk;
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let mut run = web.exec(["apt-get", "update"]).spawn().await?;
    /// while let Some(chunk) = run.next().await {
    ///     match chunk? {
    ///         Chunk::Stdout(bytes) => print!("{}", String::from_utf8_lossy(&bytes)),
    ///         Chunk::Stderr(bytes) => eprint!("{}", String::from_utf8_lossy(&bytes)),
    ///     }
    /// }
    /// run.wait().await?.success()?;
    /// # Ok(()) }
    /// ```
    pub async fn spawn(self) -> Result<Process, Error> {
        self.check()?;
        let Self { instance, exec, stdin } = self;
        let incus = instance.incus.clone();
        let operation = start(&instance, exec).await.map_err(no_such_command)?;
        let streams = Streams::connect(&incus, &operation).await?;
        Ok(Process::new(stdin, |wires| drive(incus, operation.id, streams, wires)))
    }

    fn check(&self) -> Result<(), Error> {
        checked_name("name", self.instance.name())?;
        match self.exec.command.first() {
            None => Err(Error::invalid("command", "is empty")),
            Some(program) if program.is_empty() => Err(Error::invalid("command", "names no program")),
            Some(_) => Ok(()),
        }
    }
}

async fn start(instance: &InstanceRef, exec: types::InstanceExec) -> Result<types::Operation, Error> {
    let call = instance.incus.call();
    let request = call.instance_exec().name(instance.name()).body(exec);
    let result = scoped!(request, instance.incus.own_project()).send().await;
    open(&call, result).await
}

/// Twice what the server itself waits for the streams.
const DIAL: Duration = Duration::from_secs(10);
/// How soon most commands end.
const SOON: Duration = Duration::from_secs(1);

/// The four connections of a command. Closing `control` kills it.
struct Streams {
    stdin: Socket,
    stdout: Socket,
    stderr: Socket,
    control: Option<Socket>,
}

impl Streams {
    /// All at once: the server gives up after five seconds, which is little for one after the other.
    async fn connect(incus: &Incus, operation: &types::Operation) -> Result<Self, Error> {
        let fds = operation.metadata.as_ref().and_then(|metadata| metadata.get("fds"));
        let dial = async |name: &str| {
            let secret = fds.and_then(|fds| fds.get(name)).and_then(Value::as_str);
            let secret = secret
                .ok_or_else(|| Error::new(Kind::BadReply, format!("the operation has no stream {name}")))?;
            // Four of these at once would make every caller's future large.
            Box::pin(connect(incus, &operation.id, secret.into())).await
        };
        // A short command can be over before this one is made; then nobody needs it.
        let control = async {
            dial("control").await.map(Some).or_else(|e| if is_over(&e) { Ok(None) } else { Err(e) })
        };
        let all = async { tokio::try_join!(dial("0"), dial("1"), dial("2"), control) };
        let (stdin, stdout, stderr, control) = match tokio::time::timeout(DIAL, all).await {
            Ok(all) => all?,
            Err(_) => return Err(Error::new(Kind::Timeout, "the command's streams don't connect")),
        };
        Ok(Self { stdin, stdout, stderr, control })
    }
}

/// The server knows the secrets, or the operation, only while the command runs.
fn is_over(e: &Error) -> bool {
    matches!(e.kind(), Kind::PermissionDenied | Kind::NotFound)
}

async fn connect(incus: &Incus, id: &str, secret: Secret) -> Result<Socket, Error> {
    let call = incus.call();
    let request = call.operation_websocket().id(id).secret(secret);
    let result = scoped!(request, incus.own_project()).send().await;
    let answer = call.done(result).await?;
    Socket::open(&call, answer).await
}

/// Moves the bytes until both output streams end, and asks how the command ended.
async fn drive(incus: Incus, id: String, streams: Streams, wires: Wires) -> Result<ExitStatus, Error> {
    let Streams { stdin, stdout, stderr, control } = streams;
    let Wires { output: sink, input, .. } = wires;
    let (told, drained) = oneshot::channel();
    let drain = async {
        let pours = async {
            let (out, err) =
                tokio::join!(pour(&stdout, &sink, Chunk::Stdout), pour(&stderr, &sink, Chunk::Stderr));
            out.and(err)
        };
        // The command may end without reading all of its input, or any.
        let result = tokio::select! {
            result = pours => result,
            never = async { feed(stdin, input).await; std::future::pending().await } => never,
        };
        let _ = told.send(());
        result
    };
    let status = async {
        // The server forgets the status five seconds after the end, which a slow reader can't see for its output.
        // Nearly every command ends sooner and needs no connection for the wait.
        let _ = tokio::time::timeout(SOON, drained).await;
        exit_status(&incus, &id).await
    };
    let (drained, status) = tokio::select! {
        both = async { tokio::join!(drain, status) } => both,
        never = hold(control) => never,
    };
    match (status, drained) {
        // The server's word on why there was no output goes first.
        (Err(e), _) => Err(e),
        (Ok(_), Err(e)) => Err(e),
        (Ok(status), Ok(())) => Ok(status),
    }
}

/// Keeps a connection open and read, so that the server's pings are answered.
async fn hold<T>(socket: Option<Socket>) -> T {
    if let Some(socket) = &socket {
        while let Ok(Some(_)) = socket.next().await {}
    }
    // It is dropped, and so closed, only together with this future.
    std::future::pending().await
}

/// Sends all input, then its end.
async fn feed(stdin: Socket, mut input: Input) {
    const PIECE: usize = 64 * 1024;
    while let Some(piece) = input.next(PIECE).await {
        if stdin.send_binary(piece).await.is_err() {
            return;
        }
    }
    if stdin.send_text("").await.is_ok() {
        // Held open and read, so that the server's pings are answered, until the command ends.
        while let Ok(Some(_)) = stdin.next().await {}
    }
}

/// Passes one stream on. Its end is an empty text frame; a connection that just ends has lost something.
async fn pour(socket: &Socket, sink: &Sink, kind: fn(Bytes) -> Chunk) -> Result<(), Error> {
    loop {
        match socket.next().await? {
            Some(Frame::Text(text)) if text.is_empty() => return Ok(()),
            Some(Frame::Text(bytes) | Frame::Binary(bytes)) => sink.put(kind(bytes)).await,
            None => {
                let e = Error::new(Kind::Interrupted, "the stream closed before its end");
                return Err(e.with(|e| (e.api, e.sent) = ("incus", Sent::Yes)));
            }
        }
    }
}

async fn exit_status(incus: &Incus, id: &str) -> Result<ExitStatus, Error> {
    // A command may go on for long after it has closed its output.
    let wait = IncusWork::resumed(incus, id, Whole).timeout(Duration::MAX);
    let operation = wait.await.map_err(|e| no_such_command(e.into()))?;
    let code =
        operation.metadata.as_ref().and_then(|metadata| metadata.get("return")).and_then(Value::as_i64);
    match code.and_then(|code| i32::try_from(code).ok()) {
        Some(code) => Ok(ExitStatus::new(code)),
        None => Err(Error::new(Kind::BadReply, "the operation tells no exit status")),
    }
}

/// Ends in the operation itself: its metadata tell the exit status.
struct Whole;

impl Ending for Whole {
    type Output = types::Operation;

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", "operation", id)
    }

    fn finish<'a>(
        &'a self,
        _: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<types::Operation, Error>> {
        Box::pin(async { Ok(operation.clone()) })
    }

    fn settle<'a>(&'a self, _: &'a Incus) -> BoxFuture<'a, Result<Option<types::Operation>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

/// There is only the text, together with the fact that the command never ran.
fn no_such_command(e: Error) -> Error {
    let missing = e.message() == "Command not found";
    e.with(|inner| {
        if missing {
            inner.kind = Kind::NotFound;
        }
    })
}
