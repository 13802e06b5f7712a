//! The console of an instance: attaching to it, and what was written to it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::AsyncWrite;

use super::drive::{pour, steer};
use super::keyboard::{self, Keyboard};
use super::streams::{Terminal, Turn};
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::incus::types::ConsoleType;
use crate::incus::{Instance, InstanceRef, types};
use crate::stream::process::{Chunk, ExitStatus, Piece, Process, Stdin, StdinSource, Wires};
use crate::stream::transfer::{self, Opened, Pull};
use crate::transport::Label;
use crate::wait::{BoxFuture, into_future};

/// Attaches to a console; from [`Instance::attach_console`]. `.await` it for the [`Console`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct AttachConsole {
    instance: InstanceRef,
    console: types::InstanceConsole,
}

impl<D: Identified> Instance<D> {
    /// Attaches to the instance's console.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let mut console = web.attach_console().size(80, 24).await?;
    /// console.write_all("\n").await?;
    /// while let Some(bytes) = console.next().await {
    ///     print!("{}", String::from_utf8_lossy(&bytes?));
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// The instance must be running. The server takes a moment to attach: input and output before that may be lost.
    /// Only one client can be attached: [`force`](AttachConsole::force) disconnects another one.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_console/>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if the instance doesn't run or another client is attached.
    pub fn attach_console(&self) -> AttachConsole {
        AttachConsole { instance: self.reference(), console: types::InstanceConsole::default() }
    }

    /// What the instance has written to its console.
    ///
    /// While a container runs, that is what was written since the last reading: what is read is gone, so the request is
    /// never repeated. When it is stopped, it is all of it, or as much of the end as the server keeps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such instance, [`ErrorKind::LimitExceeded`] for more than 64 MiB.
    pub async fn read_console_log(&self) -> Result<Bytes, Error> {
        Pull::new(LogSource(self.reference())).bytes().await
    }

    /// Empties the console log; while a container runs, only what the next reading would give.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such instance.
    pub async fn clear_console_log(&self) -> Result<(), Error> {
        self.incus.raw().instance_console_log_clear().name(self.name()).send().await
    }
}

/// The console log. It has no version, so it is never requested twice.
struct LogSource(InstanceRef);

impl LogSource {
    async fn get(&self) -> Result<Opened, Error> {
        let request = self.0.incus.raw().instance_console_log_get().name(self.0.name());
        Opened::of(request.send().with_head().await?)
    }
}

impl transfer::Source for LogSource {
    fn label(&self) -> Label {
        self.0.label("instance_console_log_get")
    }

    fn open(&self, _from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get())
    }
}

impl AttachConsole {
    /// The size of the terminal in columns and rows.
    pub fn size(mut self, width: u16, height: u16) -> Self {
        self.console.width = Some(width.into());
        self.console.height = Some(height.into());
        self
    }

    /// Disconnects the currently attached client.
    pub fn force(mut self) -> Self {
        self.console.force = true;
        self
    }

    /// The screen of a virtual machine instead of its text console: the raw bytes of one SPICE connection, for a
    /// program that speaks that protocol. Containers refuse it with [`ErrorKind::InvalidInput`].
    pub fn vga(mut self) -> Self {
        self.console.type_ = Some(ConsoleType::Vga);
        self
    }

    async fn attach(self) -> Result<Console, Error> {
        self.instance.label("instance_console").watch(self.connected()).await
    }

    async fn connected(self) -> Result<Console, Error> {
        let Self { instance, console } = self;
        if console.width == Some(0) || console.height == Some(0) {
            return Err(Error::invalid("size", "has no room at all"));
        }
        let incus = &instance.incus;
        let turn = Turn::of(incus).await?;
        let request = incus.raw().instance_console().name(instance.name()).body(console);
        let operation = request.send().await.map_err(taken)?;
        let terminal = Terminal::connect(incus, operation, turn).await?;
        let process = Process::new(StdinSource::Pipe, |wires| drive(terminal, wires));
        let limit = incus.raw().handle.limits().output;
        let mut process = process.of(instance.label("instance_console"), limit);
        let keyboard = process.take_stdin();
        Ok(Console { process, keyboard })
    }
}

into_future!(AttachConsole => Console: |it| it.attach().await);

/// There is only the text, with 500.
fn taken(e: Error) -> Error {
    let taken = e.message().contains("already connected");
    e.with(|inner| {
        if taken {
            inner.kind = ErrorKind::Conflict;
        }
    })
}

/// Moves the bytes until the instance stops or another client takes over. There is no exit status.
async fn drive(terminal: Terminal, wires: Wires) -> Result<ExitStatus, Error> {
    let Terminal { both, control } = terminal;
    let Wires { output, input, controls } = wires;
    tokio::select! {
        ended = pour(&both, &output, Piece::Stdout) => ended.map(|_| ExitStatus::new(0)),
        never = keyboard::send(&both, input, Keyboard::Console) => never,
        e = steer(&control, controls, true) => Err(e),
    }
}

/// An instance's console: read from it and type into it.
///
/// It is a [`Stream`] of what appears and an [`AsyncWrite`] of what is typed. Dropping it detaches; the instance
/// doesn't notice. It ends when the instance stops, and in an error of [`ErrorKind::Interrupted`] when another client
/// takes it over.
#[must_use = "dropping it detaches"]
pub struct Console {
    process: Process,
    keyboard: Option<Stdin>,
}

impl Console {
    /// The next bytes that appear; none when the console has ended. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        bytes(self.process.next().await)
    }

    /// The next bytes, for use with `?`; none when the console has ended. Safe to cancel.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`] if the connection is lost.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        self.next().await.transpose()
    }

    /// Types these bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`] if the console has ended.
    pub async fn write_all(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        match &mut self.keyboard {
            Some(keyboard) => keyboard.write_all(bytes).await,
            None => {
                self.process.labelled(Err(Error::new(ErrorKind::Interrupted, "the keyboard has been taken")))
            }
        }
    }

    /// The keyboard on its own, to type while another task reads; none after the first call.
    pub fn take_keyboard(&mut self) -> Option<Stdin> {
        self.keyboard.take()
    }

    /// Tells the console that the terminal has a new size, in columns and rows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`] if the console has ended.
    pub async fn resize(&self, width: u16, height: u16) -> Result<(), Error> {
        self.process.resize(width, height).await
    }
}

/// A console has no exit status.
fn bytes(next: Option<Result<Chunk, Error>>) -> Option<Result<Bytes, Error>> {
    match next? {
        Ok(Chunk::Stdout(bytes) | Chunk::Stderr(bytes)) => Some(Ok(bytes)),
        Ok(Chunk::Exited(_)) => None,
        Err(e) => Some(Err(e)),
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

impl Stream for Console {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.process).poll_next(cx).map(bytes)
    }
}

impl AsyncWrite for Console {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.keyboard {
            Some(keyboard) => Pin::new(keyboard).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.keyboard {
            Some(keyboard) => Pin::new(keyboard).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.keyboard {
            Some(keyboard) => Pin::new(keyboard).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
