//! The exit status of a command, from its operation.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::incus::events::Known;
use crate::incus::events::subscriptions::Subscription;
use crate::incus::operation::completion::Completion;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, types};
use crate::stream::process::ExitStatus;
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation, WaitEnd, WaitError};

/// Waits for a command that may run for a long time.
pub(super) async fn of_running(incus: &Incus, id: &str) -> Result<ExitStatus, WaitError> {
    IncusWork::resumed(incus, id, Exited).timeout(Duration::MAX).await
}

/// Waits for a command whose events were subscribed to before it started.
pub(super) async fn of_heard(
    incus: &Incus,
    id: &str,
    feed: Subscription<Known>,
) -> Result<ExitStatus, WaitError> {
    IncusWork::heard(incus, id, feed, Exited).timeout(Duration::MAX).await
}

/// Waits for a command whose output has ended: usually the command has ended, too, or is about to.
pub(super) async fn of_ended(incus: &Incus, id: &str) -> Result<ExitStatus, WaitError> {
    IncusWork::about_to_end(incus, id, Exited).timeout(Duration::MAX).await
}

pub(in crate::incus) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<ExitStatus>> {
    (ticket.kind == Exited::KIND).then(|| IncusWork::resumed(incus, ticket.id(), Exited))
}

/// An operation whose result is the exit status.
pub(super) struct Exited;

impl Exited {
    const KIND: &str = "exec";
}

impl Completion for Exited {
    type Output = ExitStatus;

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", Self::KIND, id)
    }

    fn finish<'a>(
        &'a self,
        _: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<ExitStatus, Error>> {
        Box::pin(async { exit_status(operation) })
    }

    fn reconcile<'a>(&'a self, _: &'a Incus) -> BoxFuture<'a, Result<Option<ExitStatus>, Error>> {
        Box::pin(async { Ok(None) })
    }

    fn confirm<'a>(&'a self, _: &'a Incus, e: Error) -> BoxFuture<'a, Error> {
        Box::pin(async { no_such_command(e) })
    }
}

pub(super) fn exit_status(operation: &types::Operation) -> Result<ExitStatus, Error> {
    let told = operation.metadata.as_ref().and_then(|metadata| metadata.get("return"));
    match told.and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()) {
        Some(code) => Ok(ExitStatus::new(code)),
        None => Err(Error::new(ErrorKind::BadReply, "the operation tells no exit status")),
    }
}

/// The exit status from the message of a failed operation. The server reports statuses 126 and 127 as failures, both
/// for a command that couldn't be run and for one that ran and ended so, with the same message.
pub(super) fn in_words(failure: &Error) -> Option<ExitStatus> {
    match failure.message() {
        "Command not found" => Some(ExitStatus::new(127)),
        "Command not executable" => Some(ExitStatus::new(126)),
        _ => None,
    }
}

/// A command that has written something has run: then an ambiguous message means its exit status.
pub(super) fn with_output(told: Result<ExitStatus, WaitError>, wrote: bool) -> Result<ExitStatus, Error> {
    match told {
        Err(e) if wrote && e.end() == WaitEnd::Failed => match in_words(e.error()) {
            Some(status) => Ok(status),
            None => Err(e.into()),
        },
        told => Ok(told?),
    }
}

/// The error of a command that couldn't be run, from the message.
pub(super) fn no_such_command(e: Error) -> Error {
    let status = in_words(&e);
    e.with(|inner| {
        if let Some(status) = status {
            inner.code = Some(status.code().to_string());
            if status.code() == 127 {
                inner.kind = ErrorKind::NotFound;
            }
        }
    })
}
