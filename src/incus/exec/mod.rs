//! Running commands in an instance.

mod console;
mod drive;
#[cfg(fuzzing)]
pub(super) mod fuzzing;
mod keyboard;
mod status;
mod streams;
mod unattended;
mod until;

use std::fmt;

use bytes::Bytes;

use self::streams::{Terminal, Turn};
use crate::error::Error;
use crate::handle::Identified;
use crate::incus::{Instance, InstanceRef, types};
use crate::stream::process::{Output, Process, StdinSource};
use crate::transport::Call;
use crate::transport::{Label, checked};

pub use console::{AttachConsole, Console};
pub(super) use status::resume;
pub(super) use unattended::resume_recorded;
pub use until::UntilSuccess;

/// A command to run; from [`Instance::exec`].
///
/// The program runs directly, without a shell. There are several ways to run it:
///
/// | | output | ends with this program | input |
/// | --- | --- | --- | --- |
/// | [`output`](Self::output) | whole | yes | [`stdin`](Self::stdin) |
/// | [`spawn`](Self::spawn) | as it comes | yes | [`stdin`](Self::stdin), [`pipe_stdin`](Self::pipe_stdin) |
/// | [`record_output`](Self::record_output) | whole, through files on the server | no | none |
/// | [`discard_output`](Self::discard_output) | none | no | none |
/// | [`until_success`](Self::until_success) | of the run that succeeds | yes | [`stdin`](Self::stdin) |
#[derive(Clone)]
#[must_use = "nothing runs before `.output().await` or `.spawn().await`"]
pub struct Exec {
    instance: InstanceRef,
    exec: Box<types::InstanceExec>,
    stdin: Option<StdinSource>,
    max_output: u64,
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

impl<D: Identified> Instance<D> {
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
        let command: Vec<String> = command.into_iter().map(Into::into).collect();
        let instance = self.reference();
        let max_output = instance.incus.raw().handle.limits().output;
        Exec { instance, exec: Box::new(types::InstanceExec::new(command)), stdin: None, max_output }
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
    ///
    /// A command that ends before it has read all of it is no error, as in the standard library. If the connection that
    /// carries the input breaks, the server ends the input there, and a command that ends at the end of its input looks
    /// the same: content that must be whole is better [pushed](crate::incus::Instance::push) as a file.
    ///
    /// If that connection falls silent instead, nothing more reaches the command. After 45 seconds the call then fails
    /// with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout), as with the other connections, and the command is killed.
    /// It may have read a part: [`sent`](crate::Error::sent) is [`Sent::Unknown`](crate::Sent::Unknown). A command that
    /// doesn't read its input isn't affected, however long it takes: the server pings every ten seconds.
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Self {
        self.stdin = Some(StdinSource::Bytes(bytes.into()));
        self
    }

    /// Lets it read from a writer: [`Process::take_stdin`].
    pub fn pipe_stdin(mut self) -> Self {
        self.stdin = Some(StdinSource::Pipe);
        self
    }

    /// Gives it a terminal of so many columns and rows, for programs that want one.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let mut shell = web.exec(["sh"]).terminal(80, 24).spawn().await?;
    /// if let Some(mut keyboard) = shell.take_stdin() {
    ///     keyboard.write_all("stty size; exit\n").await?;
    ///     shell.resize(132, 50).await?;
    ///     print!("{}", shell.output().await?.stdout_text());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// All output comes as [`Chunk::Stdout`](crate::Chunk::Stdout), with the terminal's line ends, and echoes what is
    /// typed. Input is a writer, as with [`pipe_stdin`](Self::pipe_stdin), if [`stdin`](Self::stdin) gives none; its
    /// end is typed as Control-D. The variable `TERM` is `xterm` if not set.
    pub fn terminal(mut self, width: u16, height: u16) -> Self {
        self.exec.interactive = true;
        self.exec.width = Some(width.into());
        self.exec.height = Some(height.into());
        self
    }

    /// How much [`output`](Self::output) and [`record_output`](Self::record_output) collect at most, in bytes of
    /// standard output and standard error together: 64 MiB if neither this nor
    /// [`Limits::output`](crate::Limits::output) says otherwise.
    pub fn max_output(mut self, bytes: u64) -> Self {
        self.max_output = bytes;
        self
    }

    /// Runs it to its end and collects what it wrote.
    ///
    /// More output than [`max_output`](Self::max_output) is an error of
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) that has what came before, and kills the command.
    ///
    /// An exit status other than 0 is not an error here: see [`Output::success`].
    ///
    /// A command that doesn't exist is an error of [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), one that can't
    /// be executed of [`ErrorKind::OperationFailed`](crate::ErrorKind::OperationFailed). The server tells the same of a
    /// command that ran and ended with 127 or 126: one that has written anything, to either stream, is taken for such a
    /// one, and its output and status are the result. One that ends so without a word is taken for missing; the error's
    /// [`code`](crate::Error::code) is the status.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for a missing command or instance,
    /// [`ErrorKind::OperationFailed`](crate::ErrorKind::OperationFailed) for one that can't be executed,
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the instance doesn't run,
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) for too much output,
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) and [`ErrorKind::Timeout`](crate::ErrorKind::Timeout)
    /// if a connection breaks or falls silent.
    ///
    /// If only the connection that carries signals breaks, the server kills the command. That looks like any other
    /// command that was killed: status 137.
    pub async fn output(self) -> Result<Output, Error> {
        self.spawn().await?.output().await
    }

    /// Starts it, to read its output as it comes.
    ///
    /// ```no_run
    /// use windlass::Chunk;
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let mut run = web.exec(["apt-get", "update"]).spawn().await?;
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
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance,
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it doesn't run. A missing command is an error of
    /// [`Process::wait`].
    pub async fn spawn(self) -> Result<Process, Error> {
        let label = self.label();
        label.clone().watch(self.started(label)).await
    }

    /// For errors without an answer.
    fn label(&self) -> Label {
        self.instance.label("instance_exec")
    }

    async fn started(self, label: Label) -> Result<Process, Error> {
        self.check()?;
        let turn = Turn::of(&self.instance.incus).await?;
        // Of many commands most queue for their turn: what it takes to start one is made then.
        Box::pin(self.start(turn, label)).await
    }

    async fn start(self, turn: Turn, label: Label) -> Result<Process, Error> {
        let Self { instance, mut exec, stdin, max_output } = self;
        exec.wait_for_websocket = true;
        let interactive = exec.interactive;
        if interactive {
            // The server sets none.
            exec.environment.entry("TERM".to_owned()).or_insert_with(|| "xterm".to_owned());
        }
        let operation = start(&instance, *exec).await.map_err(status::no_such_command)?;
        let heard = turn.listen(&instance.incus, &operation.id).await;
        let run = drive::Run { incus: instance.incus.clone(), id: operation.id.clone(), heard };
        if interactive {
            let terminal = Terminal::connect(&run.incus, operation, turn).await?;
            let stdin = stdin.unwrap_or(StdinSource::Pipe);
            let process = Process::new(stdin, |wires| drive::terminal(run, terminal, wires));
            return Ok(process.of(label, max_output));
        }
        let pipes = streams::Pipes::connect(&run.incus, operation, turn).await?;
        let stdin = stdin.unwrap_or(StdinSource::Bytes(Bytes::new()));
        let process = Process::new(stdin, |wires| drive::pipes(run, pipes, wires));
        Ok(process.of(label, max_output))
    }

    fn check(&self) -> Result<(), Error> {
        checked("name", self.instance.name())?;
        if self.exec.interactive && (self.exec.width == Some(0) || self.exec.height == Some(0)) {
            return Err(Error::invalid("terminal", "has no room at all"));
        }
        match self.exec.command.first() {
            None => Err(Error::invalid("command", "is empty")),
            Some(program) if program.is_empty() => Err(Error::invalid("command", "names no program")),
            Some(_) => Ok(()),
        }
    }
}

fn start(instance: &InstanceRef, exec: types::InstanceExec) -> Call<types::Operation> {
    instance.incus.raw().instance_exec().name(instance.name()).body(exec).send()
}
