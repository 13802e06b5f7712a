//! Orders to the agent.

use super::ready::ready;
use crate::error::Error;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::instance::InstanceRef;
use crate::shakenfist::poll::pauses;
use crate::shakenfist::{reconcile, reply, types};
use crate::transport::Call;

/// Gives the agent an order once it is ready, and returns the UUID of the operation. While the server says that the
/// agent isn't ready, it did nothing: then the order is repeated.
pub(super) async fn order(
    instance: &InstanceRef,
    deadline: Deadline,
    call: impl Fn() -> Call<types::AgentOperation>,
) -> Result<String, Error> {
    let mut pauses = pauses();
    loop {
        deadline.limits(ready(instance)).await?;
        let id = reconcile::request_id();
        let e = match deadline.bound(call().request_id(&id)).await {
            Ok(queued) => return Ok(queued.uuid),
            Err(e) if is_not_ready(&e) => e,
            Err(e) if reconcile::is_open(&e) && !is_no_blob(&e) => {
                return reconcile::ordered(instance, deadline, &id, e).await;
            }
            Err(e) => return Err(e),
        };
        if !deadline.pause(pauses.next()).await {
            return Err(e);
        }
    }
}

/// The agent went away between the look and the order. Servers up to 0.8 fail if they have never seen the agent.
fn is_not_ready(e: &Error) -> bool {
    let says = |words: &str| e.message().contains(words);
    match e.status() {
        Some(400) => says("agent not ready"),
        Some(406) => reply::not_ready(e).is_some_and(reply::may_become_ready),
        Some(500) => says("'NoneType' object has no attribute 'startswith'"),
        _ => false,
    }
}

/// How servers report an unknown blob, with 500: they fail on their own error.
fn is_no_blob(e: &Error) -> bool {
    e.message().contains("has no attribute 'api_error'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn answers_after_which_nothing_was_done() {
        let e = |status, text: &str| Error::new(ErrorKind::Server, text).with(|e| e.status = Some(status));
        assert!(is_not_ready(&e(400, "instance agent not ready")));
        assert!(is_not_ready(&e(406, "instance x is not ready (creating)")));
        assert!(is_not_ready(&e(
            500,
            "server error: AttributeError(\"'NoneType' object has no attribute 'startswith'\")"
        )));
        assert!(!is_not_ready(&e(406, "invalid mode: zzz (error)")));
        assert!(!is_not_ready(&e(500, "server error: AttributeError(\"no attribute 'api_error'\")")));
        assert!(!is_not_ready(&e(400, "other")));
    }
}
