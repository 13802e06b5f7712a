//! What the proxy has seen.

use super::{Shared, State};
use crate::fault::Fault;
use crate::wire::Message;

/// A request, and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// All of it arrived at the proxy.
    pub arrived: bool,
    /// The server got it.
    pub delivered: bool,
    /// What the client was told.
    pub told: Told,
}

/// How much of an answer the client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Not even a whole head.
    Nothing,
    /// The head, with this status.
    Head(u16),
    /// All of it: the status, and the body or its beginning if it isn't in chunks.
    Whole(u16, Option<Vec<u8>>),
}

impl Told {
    /// The status, if the client knows it.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Nothing => None,
            Self::Head(status) | Self::Whole(status, _) => Some(*status),
        }
    }
}

impl Shared {
    /// A request begins; returns its number.
    pub(super) fn begin(&self) -> usize {
        let mut state = self.lock();
        state.exchanges.push(Exchange { arrived: false, delivered: false, told: Told::Nothing });
        state.exchanges.len() - 1
    }

    /// The whole request is there; returns what happens to it.
    pub(super) fn arrive(&self, number: usize, request: &Message) -> Fault {
        let mut state = self.lock();
        if let Some(credential) = request.header("authorization") {
            let secret = credential.split(' ').next_back().unwrap_or_default().to_owned();
            if !state.credentials.contains(&secret) {
                state.credentials.push(secret);
            }
        }
        if !state.spared.is_empty() && request.first_line().split(' ').nth(1) == Some(state.spared) {
            // It isn't what the cell is about.
            state.exchanges.truncate(number);
            return Fault::None;
        }
        state.note(number, |exchange| exchange.arrived = true);
        state.take(|fault| !fault.is_before_connection()).unwrap_or(Fault::None)
    }

    pub(super) fn deliver(&self, number: usize) {
        self.lock().note(number, |exchange| exchange.delivered = true);
    }

    pub(super) fn tell(&self, number: usize, told: Told) {
        self.lock().note(number, |exchange| exchange.told = told);
    }

    /// Whether it has this fault now; uses it up.
    pub(super) fn has(&self, which: &Fault) -> bool {
        self.lock().take(|fault| fault == which).is_some()
    }
}

impl State {
    fn note(&mut self, number: usize, change: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = self.exchanges.get_mut(number) {
            change(exchange);
        }
    }

    fn take(&mut self, which: impl FnOnce(&Fault) -> bool) -> Option<Fault> {
        if self.left == 0 || !which(&self.fault) {
            return None;
        }
        self.left = self.left.saturating_sub(usize::from(self.left != usize::MAX));
        Some(self.fault.clone())
    }
}
