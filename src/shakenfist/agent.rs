//! The agent in the guest: waiting for it, and giving it orders.

use super::deadline::Deadline;
use super::instance::{failure, is_agent_ready, is_failed};
use super::poll::pauses;
use super::poll::{self, progress};
use super::reply;
use super::{Instance, InstanceRef, InstanceState, ShakenFist, lost_answer, types};
use crate::Identified;
use crate::error::{Error, ErrorKind, Sent};
use crate::ticket::Ticket;
use crate::transport::Call;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, Until};

impl<D: Identified> Instance<D> {
    /// Waits until the agent in the guest takes orders: `ready`, or on newer servers `ready (degraded)`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn demo(web: windlass::shakenfist::InstanceRef) -> windlass::Result<()> {
    /// let web = web.until_agent_ready().timeout(Duration::from_secs(300)).await?;
    /// println!("booted at {:?}", web.agent_system_boot_time);
    /// # Ok(()) }
    /// ```
    ///
    /// [`exec`](Self::exec), [`push`](Self::push) and [`pull`](Self::pull) do this by themselves. An instance without a
    /// side channel for the agent, or with an agent that is too old, fails with [`ErrorKind::Unsupported`].
    pub fn until_agent_ready(&self) -> Until<Instance> {
        poll::until(&self.sf, AgentReady { reference: self.id().to_owned() })
    }
}

/// The same as an operation, whose limit can be part of a longer one.
pub(super) fn ready(instance: &InstanceRef) -> Operation<Instance> {
    poll::operation(&instance.sf, AgentReady { reference: instance.id().to_owned() })
}

/// The agent takes orders.
struct AgentReady {
    reference: String,
}

impl Goal<ShakenFist> for AgentReady {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "agent-ready", &self.reference)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(async move {
            let now = sf.instance(&self.reference).get().await;
            let now = match now {
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {
                    return Ok(Seen::Failed(e));
                }
                other => other?,
            };
            let down = matches!(now.state, InstanceState::DeleteWait | InstanceState::Deleted);
            if down || is_failed(&now.state) {
                return Ok(Seen::Failed(failure(&now)));
            }
            if let Some(e) = cannot_come(&now) {
                return Ok(Seen::Failed(e));
            }
            let word = now.agent_state.clone().unwrap_or_else(|| "never heard of".to_owned());
            let seen = progress(word, "agent");
            let ready = now.state == InstanceState::Created && is_agent_ready(&now);
            Ok(if ready { Seen::Reached(seen, now) } else { Seen::Pending(seen) })
        })
    }
}

/// Why no agent will ever answer.
fn cannot_come(instance: &types::Instance) -> Option<Error> {
    let word = instance.agent_state.as_deref().unwrap_or_default();
    let message = if !instance.side_channels.iter().any(|channel| channel.starts_with("sf-agent")) {
        format!("{} was made without a side channel for the agent", instance.uuid)
    } else if word.contains("too old") {
        format!("the agent in {} is too old", instance.uuid)
    } else {
        return None;
    };
    Some(Error::new(ErrorKind::Unsupported, message).with(|e| e.sent = Sent::Yes))
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Instance>> {
    let goal = AgentReady { reference: ticket.id.clone() };
    (ticket.kind == "agent-ready").then(|| poll::operation(sf, goal))
}

/// Gives the agent an order once it is ready; gives the UUID of the operation. While the server says that it isn't, nothing
/// was done: then again.
pub(super) async fn order(
    instance: &InstanceRef,
    deadline: Deadline,
    call: impl Fn() -> Call<types::AgentOperation>,
) -> Result<String, Error> {
    let mut pauses = pauses();
    loop {
        deadline.limits(ready(instance)).await?;
        let id = lost_answer::request_id();
        let e = match deadline.bound(call().request_id(&id)).await {
            Ok(queued) => return Ok(queued.uuid),
            Err(e) if is_not_ready(&e) => e,
            Err(e) if lost_answer::is_open(&e) && !is_no_blob(&e) => {
                return lost_answer::ordered(instance, deadline, &id, e).await;
            }
            Err(e) => return Err(e),
        };
        if !deadline.pause(pauses.next()).await {
            return Err(e);
        }
    }
}

/// The agent went away between the look and the order; servers up to 0.8 fail over one that they never heard of.
fn is_not_ready(e: &Error) -> bool {
    let says = |words: &str| e.message().contains(words);
    match e.status() {
        Some(400) => says("agent not ready"),
        Some(406) => reply::not_ready(e).is_some_and(reply::may_become_ready),
        Some(500) => says("'NoneType' object has no attribute 'startswith'"),
        _ => false,
    }
}

/// What servers say of an unknown blob, with 500: they fail over their own error.
fn is_no_blob(e: &Error) -> bool {
    e.message().contains("has no attribute 'api_error'")
}

#[cfg(test)]
mod tests {
    use super::*;

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
