//! What became of a request whose answer is lost, or came from a gateway.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout};

use super::deadline::Deadline;
use super::instance::InstanceRef;
use super::poll::pauses;
use super::types::EventType;
use crate::error::{Error, ErrorKind, Sent};

/// How long to look. Servers of version 0.7 show an event up to eight seconds late.
const WINDOW: Duration = Duration::from_secs(12);

/// Whether the server may have done what it was asked for. Any 500 counts: this server sometimes fails after it has
/// done the work. Only what the hypervisor refused is known not to be done.
pub(super) fn is_open(e: &Error) -> bool {
    match e.status() {
        Some(500) if e.kind() == ErrorKind::Conflict => false,
        Some(200..=299 | 408 | 500 | 502..=504) => true,
        Some(_) => false,
        None => e.sent() == Sent::Unknown,
    }
}

/// An id for one request. The server writes it into each event that the request causes.
pub(super) fn request_id() -> String {
    format!("windlass-{:032x}", rand::random::<u128>())
}

/// Looks until something is found or the window is over.
pub(super) async fn search<T, F>(window: Duration, mut look: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Option<T>>,
{
    let (ends, mut pauses) = (Instant::now() + window, pauses());
    loop {
        // A look that hangs must not outlast the window by much.
        if let Ok(Some(found)) = timeout(window.max(Duration::from_secs(1)), look()).await {
            return Some(found);
        }
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        sleep(pauses.next().min(left)).await;
    }
}

/// The agent operation that a request started, by the event that names both.
pub(super) async fn ordered(
    instance: &InstanceRef,
    deadline: Deadline,
    request: &str,
    lost: Error,
) -> Result<String, Error> {
    tracing::debug!(error = %lost, "the answer to an order is lost");
    // If the deadline itself cut the answer off, one more second is worth knowing.
    let window = WINDOW.min(deadline.left().max(Duration::from_secs(1)));
    match search(window, || operation_of(instance, request)).await {
        Some(uuid) => Ok(uuid),
        None => {
            let id = instance.id();
            let message = format!("{id:?} may or may not have got the order: {}", lost.message());
            Err(Error::uncertain(message, lost))
        }
    }
}

async fn operation_of(instance: &InstanceRef, request: &str) -> Option<String> {
    let mut details = events_of(instance, request).await.into_iter();
    details.find_map(|details| Some(details.get("agentoperation")?.as_str()?.to_owned()))
}

/// Whether a request reached the server, by the events that name it.
pub(super) async fn arrived(instance: &InstanceRef, request: &str) -> bool {
    let look = || async { (!events_of(instance, request).await.is_empty()).then_some(()) };
    search(WINDOW, look).await.is_some()
}

/// The details of the events that a request caused.
async fn events_of(instance: &InstanceRef, request: &str) -> Vec<Map<String, Value>> {
    let mut events = instance.events().limit(200);
    if instance.sf.can("events-by-type").await {
        events = events.kind(EventType::Audit);
    }
    let of_it =
        |details: &Map<String, Value>| details.get("request-id").and_then(|id| id.as_str()) == Some(request);
    match events.await {
        Ok(events) => events.into_iter().map(|event| event.details).filter(of_it).collect(),
        Err(e) => {
            tracing::debug!(error = %e, "no events");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_outcome_open() {
        let answered = |status: u16, message: &str| {
            Error::new(ErrorKind::Server, message).with(|e| (e.status, e.sent) = (Some(status), Sent::Yes))
        };
        for (status, message, open) in [
            (200, "", true),
            (502, "", true),
            (503, "", true),
            (504, "", true),
            (500, "", true),
            (500, "server error: IndexError", true),
            (400, "", false),
            (406, "", false),
            (409, "", false),
            (507, "", false),
        ] {
            assert_eq!(is_open(&answered(status, message)), open, "{status} {message:?}");
        }
        let refused = answered(500, "").with(|e| e.kind = ErrorKind::Conflict);
        assert!(!is_open(&refused));
        let broken = |sent| Error::new(ErrorKind::Interrupted, "").with(|e| e.sent = sent);
        assert!(is_open(&broken(Sent::Unknown)));
        assert!(!is_open(&broken(Sent::No)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_ends_with_its_window() {
        let (started, mut looks) = (Instant::now(), 0);
        let found = search(WINDOW, || {
            looks += 1;
            async { None::<()> }
        });
        assert_eq!(found.await, None);
        assert!(looks > 5 && started.elapsed() == WINDOW);
        let hangs = search(WINDOW, std::future::pending::<Option<()>>);
        assert_eq!(hangs.await, None);
    }
}
