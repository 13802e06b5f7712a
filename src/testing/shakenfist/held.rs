//! Holds: something doesn't continue until the hold is dropped.

use tokio::sync::watch::Sender;

/// Stops something from continuing, until it is dropped.
#[derive(Debug)]
#[must_use = "it continues as soon as this is dropped"]
pub struct Held(Sender<usize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|held| *held -= 1);
    }
}

/// Starts a hold.
pub(super) fn hold(what: &Sender<usize>) -> Held {
    what.send_modify(|held| *held += 1);
    Held(what.clone())
}
