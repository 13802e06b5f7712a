//! What a caller asks of a running command, on its way to the driver.

use tokio::sync::{mpsc, oneshot, watch};

use super::signal::Signal;
use crate::error::{Error, ErrorKind, Sent};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The terminal has a new size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    Signal(Signal),
    Kill,
}

/// An order, and whom to tell what became of it. A dropped one counts as come too late.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) order: Order,
    done: oneshot::Sender<Result<(), Error>>,
}

impl Asked {
    pub(crate) fn answer(self, result: Result<(), Error>) {
        let _ = self.done.send(result);
    }

    /// The API can't do that.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn refuse(self, why: &str) {
        self.answer(Err(Error::new(ErrorKind::Unsupported, why)));
    }
}

/// The driver's end.
pub(crate) struct Orders(mpsc::Receiver<Asked>);

impl Orders {
    /// The next order. Never ends once nobody can give one. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Asked {
        match self.0.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

/// Tells the caller's end that the command has ended. Dropped without a word, it says that nobody knows.
pub(super) struct Ending(watch::Sender<bool>);

impl Ending {
    pub(super) fn tell(&self) {
        self.0.send_replace(true);
    }
}

/// The caller's end.
pub(super) struct Desk {
    orders: mpsc::Sender<Asked>,
    ended: watch::Receiver<bool>,
}

impl Desk {
    pub(super) fn new() -> (Self, Orders, Ending) {
        let (desk, orders) = mpsc::channel(8);
        let (ending, ended) = watch::channel(false);
        (Self { orders: desk, ended }, Orders(orders), Ending(ending))
    }

    /// Returns when the order is on its way to the command.
    pub(super) async fn give(&self, order: Order) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        if self.orders.send(Asked { order, done }).await.is_err() {
            return Err(self.nobody_there(Sent::No).await);
        }
        match answer.await {
            Ok(answer) => answer,
            Err(_) => Err(self.nobody_there(Sent::Unknown).await),
        }
    }

    /// The task that drives the command is gone: because it has ended, or with the runtime or the connection.
    async fn nobody_there(&self, sent: Sent) -> Error {
        match self.ended.clone().wait_for(|ended| *ended).await {
            Ok(_) => Error::new(ErrorKind::Conflict, "the command has ended").with(|e| e.sent = Sent::No),
            Err(_) => {
                let why = "the connection to the command is gone, or the runtime that held it";
                Error::new(ErrorKind::Interrupted, why).with(|e| e.sent = sent)
            }
        }
    }
}
