//! Waiting for the agent.

use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::instance::{Instance, InstanceRef, failure, is_agent_ready, is_failed};
use crate::shakenfist::poll::{self, progress};
use crate::shakenfist::types::{self, InstanceState};
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, Until};

impl<D: Identified> Instance<D> {
    /// Waits until the agent in the guest takes orders: `ready`, or on newer servers also `ready (degraded)`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn demo(web: windlass::shakenfist::InstanceRef) -> windlass::Result<()> {
    /// let web = web.until_agent_ready().timeout(Duration::from_secs(300)).await?;
    /// println!("booted at {:?}", web.agent_system_boot_time);
    /// # Ok(()) }
    /// ```
    ///
    /// [`exec`](Self::exec), [`push`](Self::push) and [`pull`](Self::pull) do this by themselves.
    /// [`ShakenFist::resume`] continues from its ticket.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) if the instance has no side channel for the agent, or its agent is too
    /// old, and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn until_agent_ready(&self) -> Until<Instance> {
        poll::until(&self.sf, AgentReady::of(self.id()))
    }
}

/// The same wait as an operation, so that it can be a part of a longer one.
pub(super) fn ready(instance: &InstanceRef) -> Operation<Instance> {
    poll::operation(&instance.sf, AgentReady::of(instance.id()))
}

/// The agent takes orders.
struct AgentReady {
    instance: String,
}

impl AgentReady {
    fn of(instance: &str) -> Self {
        Self { instance: instance.to_owned() }
    }
}

impl Goal<ShakenFist> for AgentReady {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "agent-ready", &self.instance)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(async move {
            let now = match sf.instance(&self.instance).get().await {
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
            let word = now.agent_state.clone().unwrap_or_else(|| "not seen yet".to_owned());
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
        format!("{} has no side channel for the agent", instance.uuid)
    } else if word.contains("too old") {
        format!("the agent in {} is too old", instance.uuid)
    } else {
        return None;
    };
    Some(Error::new(ErrorKind::Unsupported, message).with(|e| e.sent = Sent::Yes))
}

pub(in crate::shakenfist) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Instance>> {
    (ticket.kind == "agent-ready").then(|| poll::operation(sf, AgentReady::of(&ticket.id)))
}
