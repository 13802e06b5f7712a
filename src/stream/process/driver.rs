//! The driver of a command: the task that moves its bytes, and its ends of the channels to the [`Process`](super::Process).

use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use tokio::task::JoinHandle;

use super::control::{ControlSender, Controls};
use super::{ExitStatus, Input, Piece, Stdin, StdinSource};
use crate::error::{Error, ErrorKind};
use crate::stream::queue::{Put, Take, queue};

/// How many bytes may wait for a slow reader.
const WAITING: u32 = 1 << 20;

/// The driver's ends of the channels.
pub(crate) struct Wires {
    pub(crate) output: Sink,
    pub(crate) input: Input,
    pub(crate) controls: Controls,
}

/// The sending end of the output.
#[derive(Clone)]
pub(crate) struct Sink(Put<Result<Piece, Error>>);

impl Sink {
    /// Passes output on once the reader has room. Output without a reader is discarded.
    pub(crate) async fn put(&self, piece: Piece) {
        let bytes = piece.len();
        let _ = self.0.put(Ok(piece), bytes).await;
    }
}

/// The process's ends of the channels.
pub(super) struct Started {
    pub(super) pieces: Take<Result<Piece, Error>>,
    pub(super) stdin: Option<Stdin>,
    pub(super) controls: ControlSender,
    pub(super) driver: Driver,
}

/// Starts a driver. Its error goes to the reader of the output, too.
pub(super) fn start<F>(stdin: StdinSource, drive: impl FnOnce(Wires) -> F) -> Started
where
    F: Future<Output = Result<ExitStatus, Error>> + Send + 'static,
{
    // A slow reader slows the server down instead of filling memory.
    let (sink, pieces) = queue(8, WAITING);
    let (sender, controls, ending) = ControlSender::new();
    let (input, stdin) = Input::new(stdin);
    let driving = drive(Wires { output: Sink(sink.clone()), input, controls });
    let task = tokio::spawn(async move {
        match driving.await {
            Ok(status) => {
                ending.tell();
                Ok(status)
            }
            Err(e) => {
                drop(ending);
                let again = same(&e);
                let _ = sink.put(Err(e), 0).await;
                Err(again)
            }
        }
    });
    Started { pieces, stdin, controls: sender, driver: Driver { task: Some(task), ended: None } }
}

/// The driver's task. It ends with the process.
pub(super) struct Driver {
    task: Option<JoinHandle<Result<ExitStatus, Error>>>,
    /// The result, once it has ended.
    ended: Option<Result<ExitStatus, Error>>,
}

impl Driver {
    /// The result. Can be asked for again.
    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<ExitStatus, Error>> {
        let ended = match self.ended.take() {
            Some(ended) => ended,
            None => ready!(self.poll_task(cx)),
        };
        self.ended = Some(ended.as_ref().map(|status| *status).map_err(same));
        Poll::Ready(ended)
    }

    fn poll_task(&mut self, cx: &mut Context<'_>) -> Poll<Result<ExitStatus, Error>> {
        let lost = |why: String| Err(Error::new(ErrorKind::Interrupted, why));
        let Some(task) = &mut self.task else {
            return Poll::Ready(lost("the command was detached".to_owned()));
        };
        let joined = ready!(task.poll_unpin(cx));
        Poll::Ready(joined.unwrap_or_else(|e| lost(format!("the task that drives the command ended: {e}"))))
    }

    /// Lets it run on.
    pub(super) fn release(&mut self) {
        self.task = None;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// A copy of the error, for a second caller.
fn same(e: &Error) -> Error {
    Error::new(e.kind(), e.message()).with(|inner| inner.copy_facts(e))
}
