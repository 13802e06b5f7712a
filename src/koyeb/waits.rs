//! What a state means for a wait, in the terms of the polling loop.

use std::time::Duration;

use super::client::Koyeb;
use super::reply;
use crate::error::{Error, ErrorKind, Sent};
use crate::wait::poll::{Goal, Interval, Polled, Seen, one_look};
use crate::wait::{Operation, Progress, Until};

/// What a state means for a goal. A state that this version doesn't know is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Reached,
    Pending,
    /// It can't be reached any more.
    Lost,
}

impl Verdict {
    pub(super) fn of<T>(self, progress: Progress, output: T) -> Seen<T> {
        match self {
            Self::Reached => Seen::Reached(progress, output),
            Self::Pending => Seen::Pending(progress),
            Self::Lost => Seen::Failed(lost(&progress)),
        }
    }
}

/// A state and its messages.
pub(super) fn progress(kind: &str, id: &str, status: &str, messages: &[String]) -> Progress {
    let said = reply::words(messages);
    let message = if said.is_empty() { format!("{kind} {id}") } else { format!("{kind} {id}: {said}") };
    Progress { status: status.to_owned(), message, ..Progress::default() }
}

fn lost(progress: &Progress) -> Error {
    let kind = if progress.status == "CANCELED" { ErrorKind::Cancelled } else { ErrorKind::OperationFailed };
    Error::new(kind, format!("{} is {}", progress.message, progress.status)).with(|e| {
        e.sent = Sent::Yes;
        e.code = Some(progress.status.clone());
    })
}

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(5);

/// An operation that ends with the goal.
pub(super) fn operation<G: Goal<Koyeb>>(koyeb: &Koyeb, goal: G) -> Operation<G::Output> {
    Polled::operation(koyeb.with(one_look()), goal, &Interval::Growing(LONGEST))
}

/// A wait that ends with the goal.
pub(super) fn until<G: Goal<Koyeb>>(koyeb: &Koyeb, goal: G) -> Until<G::Output> {
    Until::new(Polled::new(koyeb.with(one_look()), goal, &Interval::Growing(LONGEST)))
}
