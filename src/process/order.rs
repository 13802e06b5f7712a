//! What a caller asks of a running command, on its way to the driver.

use tokio::sync::{mpsc, oneshot};

use super::signal::Signal;
use crate::error::{Error, Kind, Sent};

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
        self.answer(Err(Error::new(Kind::Unsupported, why)));
    }
}

/// The driver's end.
pub(crate) struct Orders(mpsc::Receiver<Asked>);

impl Orders {
    /// The next order. Waits for ever once nobody can give one. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Asked {
        match self.0.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

/// The caller's end.
pub(super) struct Desk(mpsc::Sender<Asked>);

impl Desk {
    pub(super) fn new() -> (Self, Orders) {
        let (desk, orders) = mpsc::channel(8);
        (Self(desk), Orders(orders))
    }

    /// Returns when the order is on its way to the command.
    pub(super) async fn give(&self, order: Order) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        let too_late = || Error::new(Kind::Conflict, "the command has ended").with(|e| e.sent = Sent::No);
        self.0.send(Asked { order, done }).await.map_err(|_| too_late())?;
        answer.await.unwrap_or_else(|_| Err(too_late()))
    }
}
