//! Commands that run in an instance, modelled on `std::process`. One implementation for every API.
//!
//! Each API has a driver: a future that gets [`Wires`], moves bytes and executes controls until the command has ended,
//! and returns its exit status. It runs in its own task, which ends with the [`Process`].

mod chunk;
mod collect;
mod control;
mod driver;
mod output;
mod signal;
mod stdin;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;

use crate::error::Error;
use crate::stream::queue::Take;
use crate::transport::Label;
use crate::transport::limits::Limits;
use control::ControlSender;
use driver::{Driver, Started};

pub use chunk::Chunk;
#[allow(unused_imports)] // not every API names it
pub(crate) use chunk::Piece;
#[allow(unused_imports)] // not every API collects itself
pub(crate) use collect::Collected;

#[allow(unused_imports)] // not every API names it
pub(crate) use control::{Control, ControlRequest, Controls};
#[allow(unused_imports)] // as above
pub(crate) use driver::{Sink, Wires};
pub use output::{ExitStatus, Output};
pub use signal::Signal;
pub use stdin::Stdin;
pub(crate) use stdin::{Input, StdinSource};

/// A running command.
///
/// ```no_run
/// use windlass::{Chunk, Signal};
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// let mut log = web.exec(["tail", "-f", "/var/log/messages"]).spawn().await?;
/// while let Some(chunk) = log.try_next().await? {
///     match chunk {
///         Chunk::Stdout(bytes) if bytes.windows(5).any(|word| word == b"ready") => log.signal(Signal::TERM).await?,
///         Chunk::Stdout(bytes) | Chunk::Stderr(bytes) => println!("{bytes:?}"),
///         Chunk::Exited(status) => println!("it ended with {}", status.code()),
///     }
/// }
/// # Ok(()) }
/// ```
///
/// Read it with [`try_next`](Self::try_next) or as a [`Stream`]: first the output, then [`Chunk::Exited`]. If the output
/// breaks off, or the exit status can't be had, the last item is an error instead. A slow reader slows the command down, so
/// memory stays bounded. For the exit status alone there is [`wait`](Self::wait), for everything at once
/// [`output`](Self::output).
///
/// Dropping it kills the command; [`detach`](Self::detach) lets it run on.
#[must_use = "dropping a process kills the command"]
pub struct Process {
    pieces: Take<Result<Piece, Error>>,
    /// The last chunk was given.
    over: bool,
    stdin: Option<Stdin>,
    controls: ControlSender,
    driver: Driver,
    /// The limit on collected output, in bytes.
    most: u64,
    label: Option<Label>,
}

impl Process {
    /// Starts a driver. Its error goes to the reader of the output, too.
    pub(crate) fn new<F>(stdin: StdinSource, drive: impl FnOnce(Wires) -> F) -> Self
    where
        F: Future<Output = Result<ExitStatus, Error>> + Send + 'static,
    {
        let Started { pieces, stdin, controls, driver } = driver::start(stdin, drive);
        let most = Limits::default().output;
        Self { pieces, over: false, stdin, controls, driver, most, label: None }
    }

    /// Sets the call for errors, and the limit on collected output.
    pub(crate) fn of(self, label: Label, max_output: u64) -> Self {
        Self { label: Some(label), most: max_output, ..self }
    }

    /// Adds the call to an error.
    pub(crate) fn labelled<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        match &self.label {
            Some(label) => result.map_err(|e| label.on(e)),
            None => result,
        }
    }

    async fn give(&self, order: Control) -> Result<(), Error> {
        self.labelled(self.controls.send(order).await)
    }

    /// Takes the writer to standard input. `None` if the command was started without one, or if it was already taken.
    /// If you never take it, standard input is closed when you call [`wait`](Self::wait).
    pub fn take_stdin(&mut self) -> Option<Stdin> {
        self.stdin.take()
    }

    /// The next piece of output, or the exit status. `None` after that, or after an error. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The next piece of output, or the exit status, for use with `?`. `None` after that. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if the output breaks off or the exit status is unknown, and
    /// the others of [`wait`](Self::wait).
    pub async fn try_next(&mut self) -> Result<Option<Chunk>, Error> {
        self.next().await.transpose()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let chunk = match ready!(self.pieces.poll_next(cx)) {
            Some(piece) => piece.map(Chunk::from),
            None => ready!(self.driver.poll_ended(cx)).map(Chunk::Exited),
        };
        self.over = !matches!(chunk, Ok(Chunk::Stdout(_) | Chunk::Stderr(_)));
        Poll::Ready(Some(self.labelled(chunk)))
    }

    /// Changes the size of the command's terminal, in columns and rows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the command has no terminal, [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it has ended.
    pub async fn resize(&self, width: u16, height: u16) -> Result<(), Error> {
        if width == 0 || height == 0 {
            return self.labelled(Err(Error::invalid("size", "must have at least one column and one row")));
        }
        self.give(Control::Resize { width, height }).await
    }

    /// Sends the command a signal.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the command has ended, [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the API has no signals.
    pub async fn signal(&self, signal: Signal) -> Result<(), Error> {
        self.labelled(signal.check())?;
        self.give(Control::Signal(signal)).await
    }

    /// Kills the command. Output up to then can still be read, and [`wait`](Self::wait) returns once the command has
    /// ended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the command has already ended. [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if the connection is lost:
    /// the command may still run.
    pub async fn kill(&self) -> Result<(), Error> {
        self.give(Control::Kill).await
    }

    /// Waits for the command to end. Can be called again for the same result.
    ///
    /// Unread output is discarded. Standard input is closed, unless you took it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if the connection was lost before the end,
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) if it fell silent and pings aren't answered; the server's error
    /// if the command could not be run.
    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        self.stdin = None;
        while let Some(chunk) = self.next().await {
            chunk?;
        }
        self.ended().await
    }

    /// Lets the command run on without this handle. Further output is discarded.
    ///
    /// A task still holds the connections, so the command ends with the program or its runtime at the latest.
    pub fn detach(mut self) {
        self.driver.release();
    }

    async fn ended(&mut self) -> Result<ExitStatus, Error> {
        let ended = poll_fn(|cx| self.driver.poll_ended(cx)).await;
        self.labelled(ended)
    }
}

impl Stream for Process {
    type Item = Result<Chunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("has_stdin", &self.stdin.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::mpsc;

    use super::*;
    use crate::error::ErrorKind;

    const NOTHING: StdinSource = StdinSource::Bytes(Bytes::new());

    #[tokio::test]
    async fn wait_drains_first() {
        let mut process = Process::new(NOTHING, |wires| async move {
            for _ in 0..100 {
                wires.output.put(Piece::Stdout(Bytes::from_static(b"x"))).await;
            }
            Ok(ExitStatus::new(3))
        });
        for _ in 0..2 {
            assert_eq!(process.wait().await.ok(), Some(ExitStatus::new(3)));
        }
    }

    #[tokio::test]
    async fn a_driver_that_fails_is_seen_by_readers_and_waiters() {
        let failing =
            || Process::new(NOTHING, |_| async move { Err(Error::new(ErrorKind::Interrupted, "cut")) });
        assert_eq!(failing().output().await.map_err(|e| e.kind()), Err(ErrorKind::Interrupted));
        let mut process = failing();
        let read = process.next().await.map(|chunk| chunk.map_err(|e| e.to_string()));
        assert_eq!(read, Some(Err("connection interrupted: cut".to_owned())));
        assert!(process.next().await.is_none());
        for _ in 0..2 {
            let waited = process.wait().await.map_err(|e| e.to_string());
            assert_eq!(waited, Err("connection interrupted: cut".to_owned()));
        }
    }

    #[tokio::test]
    async fn the_exit_status_comes_after_the_output_and_once() -> Result<(), Error> {
        let mut process = Process::new(NOTHING, |wires| async move {
            wires.output.put(Piece::Stdout(Bytes::from_static(b"out"))).await;
            wires.output.put(Piece::Stderr(Bytes::from_static(b"err"))).await;
            Ok(ExitStatus::new(3))
        });
        let mut seen = Vec::new();
        while let Some(chunk) = process.try_next().await? {
            seen.push(chunk);
        }
        let (out, err) = (Bytes::from_static(b"out"), Bytes::from_static(b"err"));
        assert_eq!(seen, [Chunk::Stdout(out), Chunk::Stderr(err), Chunk::Exited(ExitStatus::new(3))]);
        assert_eq!(process.try_next().await?, None);
        assert_eq!(process.wait().await?.code(), 3);
        assert_eq!(process.output().await?.status.code(), 3);
        Ok(())
    }

    #[tokio::test]
    async fn a_driver_that_is_gone_is_no_end_of_the_output() {
        let mut process = Process::new(NOTHING, |_| async move {
            tokio::task::yield_now().await;
            std::panic::resume_unwind(Box::new("gone"))
        });
        let read = process.next().await.map(|chunk| chunk.map_err(|e| e.kind()));
        assert_eq!(read, Some(Err(ErrorKind::Interrupted)));
        assert!(process.next().await.is_none());
        assert_eq!(process.wait().await.map_err(|e| e.kind()), Err(ErrorKind::Interrupted));
    }

    #[tokio::test]
    async fn orders_reach_the_driver_and_its_answer_the_caller() {
        let mut process = Process::new(NOTHING, |mut wires| async move {
            let asked = wires.controls.next().await;
            assert_eq!(asked.control, Control::Resize { width: 100, height: 30 });
            asked.answer(Ok(()));
            wires.controls.next().await.refuse("no signals here");
            Ok(ExitStatus::new(0))
        });
        assert_eq!(process.resize(0, 30).await.map_err(|e| e.kind()), Err(ErrorKind::InvalidInput));
        assert_eq!(process.signal(Signal::new(65)).await.map_err(|e| e.kind()), Err(ErrorKind::InvalidInput));
        assert!(process.resize(100, 30).await.is_ok());
        assert_eq!(process.signal(Signal::TERM).await.map_err(|e| e.kind()), Err(ErrorKind::Unsupported));
        assert_eq!(process.kill().await.map_err(|e| e.kind()), Err(ErrorKind::Conflict));
        assert_eq!(process.wait().await.ok(), Some(ExitStatus::new(0)));
    }

    #[test]
    fn a_runtime_that_is_gone_is_no_end_of_the_command() -> std::io::Result<()> {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        let first = runtime()?;
        let process = {
            let _inside = first.enter();
            Process::new(NOTHING, |_wires| std::future::pending())
        };
        drop(first);
        let killed = runtime()?.block_on(process.kill()).map_err(|e| e.kind());
        assert_eq!(killed, Err(ErrorKind::Interrupted));
        Ok(())
    }

    #[tokio::test]
    async fn a_connection_that_broke_is_no_end_of_the_command() {
        let mut process =
            Process::new(NOTHING, |_| async move { Err(Error::new(ErrorKind::Interrupted, "cut")) });
        assert!(process.next().await.is_some_and(|chunk| chunk.is_err()));
        assert_eq!(process.kill().await.map_err(|e| e.kind()), Err(ErrorKind::Interrupted));
    }

    #[tokio::test]
    async fn detached_it_goes_on_and_dropped_it_does_not() {
        for detached in [true, false] {
            let (alive, mut ended) = mpsc::channel::<()>(1);
            let (go, going) = tokio::sync::oneshot::channel();
            let process = Process::new(NOTHING, |wires| async move {
                let _ = going.await;
                for _ in 0..100 {
                    wires.output.put(Piece::Stdout(Bytes::from_static(b"x"))).await;
                }
                let _ = alive.send(()).await;
                Ok(ExitStatus::new(0))
            });
            if detached {
                process.detach();
            } else {
                drop(process);
            }
            let _ = go.send(());
            assert_eq!(ended.recv().await.is_some(), detached);
        }
    }

    #[tokio::test]
    async fn wait_closes_a_writer_that_was_not_taken() {
        let mut process = Process::new(StdinSource::Pipe, |mut wires| async move {
            let rest = wires.input.next(10).await;
            Ok(ExitStatus::new(i32::from(rest.is_some())))
        });
        assert_eq!(process.wait().await.ok(), Some(ExitStatus::new(0)));
    }
}
