//! The event of a step of a wait.

use std::time::Duration;

use tracing::{Level, field};

use super::Look;
use crate::error::Error;
use crate::printable::Shown;
use crate::ticket::Ticket;

/// The event of a look at work: the `attempt`th, which took so long.
pub(super) fn looked(
    ticket: impl FnOnce() -> Ticket,
    look: &Result<Look, Error>,
    took: Duration,
    attempt: u32,
) {
    // A ticket costs something.
    if !tracing::enabled!(target: "windlass::wait", Level::DEBUG) {
        return;
    }
    let ticket = ticket();
    let (status, progress, error) = match look {
        Ok(Look::Running { progress, .. }) => ("running", Some(progress), None),
        Ok(Look::Succeeded(progress)) => ("succeeded", Some(progress), None),
        Ok(Look::Failed(e)) => ("failed", None, Some(e)),
        Ok(Look::Gone) => ("gone", None, None),
        Err(e) => ("unknown", None, Some(e)),
    };
    tracing::debug!(
        target: "windlass::wait",
        api = ticket.api,
        operation = ticket.kind,
        object = %Shown(ticket.object()),
        status,
        progress = progress.map(field::display),
        error = error.map(field::display),
        duration = ?took,
        attempt,
    );
}
