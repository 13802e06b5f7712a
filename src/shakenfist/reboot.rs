//! Reboots: the server's answer says only that it requested one.

use super::client::ShakenFist;
use super::deadline::Deadline;
use super::instance::{Instance, failure, is_agent_ready, is_failed};
use super::poll::{self, progress};
use super::power::{self, Verb};
use super::reconcile;
use super::types::InstanceState;
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation};

impl<D: Identified> Instance<D> {
    /// Asks the guest to reboot, by ACPI. Done when its agent is back and reports a later boot.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// let rebooted = web.reboot_soft().send().await?.timeout(Duration::from_secs(60)).await;
    /// if rebooted.is_err() {
    ///     web.reboot_hard().await?; // the guest didn't react
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// The guest can ignore this: then the wait runs out of time. If no agent has reported a boot time, a reboot can't
    /// be seen: the request is sent, and the wait fails with [`Unsupported`](ErrorKind::Unsupported). If the request is
    /// all you need, [`send`](Action::send) it and drop the operation.
    ///
    /// If the answer is lost, or comes from a gateway, the instance's events show whether the request arrived.
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) if the instance can't be rebooted in its state, those of
    /// [every request](crate::ShakenFist#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    #[doc(alias = "restart")]
    #[doc(alias = "reboot")]
    pub fn reboot_soft(&self) -> Action<()> {
        self.send_reboot(Verb::RebootSoft)
    }

    /// Resets the instance, as its reset switch would. Done when its agent is back and reports a later boot.
    ///
    /// # Errors
    ///
    /// Those of [`reboot_soft`](Self::reboot_soft).
    #[doc(alias = "reset")]
    #[doc(alias = "restart")]
    pub fn reboot_hard(&self) -> Action<()> {
        self.send_reboot(Verb::RebootHard)
    }

    fn send_reboot(&self, verb: Verb) -> Action<()> {
        let instance = self.reference();
        Action::new(self.label(verb.operation()).watch(async move {
            let deadline = Deadline::after(power::LIMIT);
            let before = deadline.bound(instance.get()).await?;
            let id = reconcile::request_id();
            match deadline.until_ready(|| power::change(&instance, verb, &id)).await {
                // If it arrived, the server has noted it.
                Err(e) if reconcile::is_open(&e) && !reconcile::arrived(&instance, &id).await => {
                    return Err(e);
                }
                Err(e) if !reconcile::is_open(&e) => return Err(e),
                _ => {}
            }
            let goal = Rebooted { uuid: before.uuid.clone(), booted: before.agent_system_boot_time };
            Ok(poll::operation(&instance.sf, goal))
        }))
    }
}

/// The agent reports another boot than before.
struct Rebooted {
    uuid: String,
    /// Seconds since 1970.
    booted: Option<f64>,
}

impl Rebooted {
    fn cannot_tell(&self) -> Error {
        let message = "the reboot was requested, but no agent had reported a boot time to compare with";
        Error::new(ErrorKind::Unsupported, message).with(|e| e.sent = Sent::Yes)
    }
}

impl Goal<ShakenFist> for Rebooted {
    type Output = ();

    fn ticket(&self) -> Ticket {
        let ticket = Ticket::new("shakenfist", "reboot", &self.uuid);
        match self.booted {
            Some(booted) => ticket.with("booted", &booted.to_string()),
            None => ticket,
        }
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async move {
            let Some(booted) = self.booted else { return Ok(Seen::Failed(self.cannot_tell())) };
            let now = match sf.instance(&self.uuid).get().await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => return Ok(Seen::Gone),
                Err(e) => return Err(e),
            };
            let agent = now.agent_state.clone().unwrap_or_else(|| "not seen yet".to_owned());
            let seen = progress(agent, "reboot");
            let down = matches!(now.state, InstanceState::DeleteWait | InstanceState::Deleted);
            if down || is_failed(&now.state) {
                return Ok(Seen::Failed(failure(&now)));
            }
            // The old time stays until the agent of the next boot reports.
            let again = now.agent_system_boot_time.is_some_and(|time| is_another(booted, time));
            Ok(if again && is_agent_ready(&now) { Seen::Reached(seen, ()) } else { Seen::Pending(seen) })
        })
    }
}

/// Agents report the time of one boot with and without its fraction.
fn is_another(before: f64, now: f64) -> bool {
    (now - before).abs() >= 1.0
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    let goal = Rebooted {
        uuid: ticket.id.clone(),
        booted: ticket.fact("booted").and_then(|time| time.parse().ok()),
    };
    (ticket.kind == "reboot").then(|| poll::operation(sf, goal))
}

#[cfg(test)]
mod tests {
    use super::is_another;

    #[test]
    fn fractions_are_no_reboots() {
        assert!(!is_another(1_684_404_969.0, 1_684_404_969.4));
        assert!(is_another(1_684_404_969.0, 1_684_405_036.0));
        assert!(is_another(1_684_404_969.0, 1_684_404_960.0));
    }
}
