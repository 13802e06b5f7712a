//! Control requests for a running command, from the caller to the driver.

use tokio::sync::{mpsc, oneshot, watch};

use super::signal::Signal;
use crate::error::{Error, ErrorKind, Sent};

/// A control: something a caller can do to a running command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Resizes the terminal.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    Signal(Signal),
    Kill,
}

/// A control, and the channel for its result. Dropping it tells the caller that the command has ended.
#[derive(Debug)]
pub(crate) struct ControlRequest {
    pub(crate) control: Control,
    done: oneshot::Sender<Result<(), Error>>,
}

impl ControlRequest {
    pub(crate) fn answer(self, result: Result<(), Error>) {
        let _ = self.done.send(result);
    }

    /// Answers that the API doesn't support this control.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn refuse(self, why: &str) {
        self.answer(Err(Error::new(ErrorKind::Unsupported, why)));
    }
}

/// The driver's end of the channel.
pub(crate) struct Controls(mpsc::Receiver<ControlRequest>);

impl Controls {
    /// Returns the next control. Pends forever once the [`Process`](super::Process) is gone. Cancel safe.
    pub(crate) async fn next(&mut self) -> ControlRequest {
        match self.0.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

/// Tells the caller's end that the command has ended. If it is dropped without that, the end is unknown.
pub(super) struct Ending(watch::Sender<bool>);

impl Ending {
    pub(super) fn tell(&self) {
        self.0.send_replace(true);
    }
}

/// The caller's end of the channel.
pub(super) struct ControlSender {
    controls: mpsc::Sender<ControlRequest>,
    ended: watch::Receiver<bool>,
}

impl ControlSender {
    pub(super) fn new() -> (Self, Controls, Ending) {
        let (sender, receiver) = mpsc::channel(8);
        let (ending, ended) = watch::channel(false);
        (Self { controls: sender, ended }, Controls(receiver), Ending(ending))
    }

    /// Sends a control, and waits until the driver has passed it on to the command.
    pub(super) async fn send(&self, control: Control) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        if self.controls.send(ControlRequest { control, done }).await.is_err() {
            return Err(self.no_driver(Sent::No).await);
        }
        match answer.await {
            Ok(answer) => answer,
            Err(_) => Err(self.no_driver(Sent::Unknown).await),
        }
    }

    /// The error when the driver's task is gone: the command has ended, or the runtime or the connection is gone.
    async fn no_driver(&self, sent: Sent) -> Error {
        match self.ended.clone().wait_for(|ended| *ended).await {
            Ok(_) => Error::new(ErrorKind::Conflict, "the command has ended").with(|e| e.sent = Sent::No),
            Err(_) => {
                let why = "the connection to the command is gone, or the runtime that held it";
                Error::new(ErrorKind::Interrupted, why).with(|e| e.sent = sent)
            }
        }
    }
}
