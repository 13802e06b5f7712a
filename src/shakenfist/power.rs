//! Power: done when the server answers.

use std::time::Duration;

use super::deadline::Deadline;
use super::poll::pauses;
use super::{Instance, InstanceRef, PowerState, lost_answer};
use crate::Identified;
use crate::error::Error;
use crate::wait::into_future;

/// A change of an instance's power; `.await` it.
///
/// While the instance isn't `created` yet, the server is asked again, for a minute unless
/// [`timeout`](Self::timeout) says otherwise. What doesn't fit the instance's power state, as pausing one that is off,
/// is an error of [`ErrorKind::Conflict`](crate::ErrorKind::Conflict). Where the answer is lost, or a gateway's, the power state tells
/// whether it worked; the request isn't sent again.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct ChangePower {
    instance: InstanceRef,
    verb: Verb,
    limit: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    On,
    Off,
    Pause,
    Unpause,
    RebootSoft,
    RebootHard,
}

impl<D: Identified> Instance<D> {
    /// Powers the instance on. On one that is on this does nothing.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.power_off().await?;
    /// web.power_on().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Servers since 0.8 make the config drive anew. Vendor's page:
    /// <https://shakenfist.com/developer_guide/api_reference/instances/#other-instance-lifecycle-operations>
    pub fn power_on(&self) -> ChangePower {
        self.power(Verb::On)
    }

    /// Powers the instance off at once, as by pulling the plug. On one that is off this does nothing.
    pub fn power_off(&self) -> ChangePower {
        self.power(Verb::Off)
    }

    /// Stops the processors; the memory stays as it is.
    pub fn pause(&self) -> ChangePower {
        self.power(Verb::Pause)
    }

    /// Lets a paused instance go on.
    pub fn unpause(&self) -> ChangePower {
        self.power(Verb::Unpause)
    }

    fn power(&self, verb: Verb) -> ChangePower {
        ChangePower { instance: self.reference(), verb, limit: LIMIT }
    }
}

/// How long to wait for an instance to become `created`.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

impl ChangePower {
    /// How long it may take, waiting for the instance included; a minute if not said.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<(), Error> {
        let deadline = Deadline::after(self.limit);
        let (instance, verb) = (&self.instance, self.verb);
        let id = lost_answer::request_id();
        match deadline.until_ready(|| change(instance, verb, &id)).await {
            Err(e) if lost_answer::is_open(&e) => self.look(deadline, e).await,
            result => result,
        }
    }

    /// The answer is lost, or a gateway's: the power state tells whether it worked.
    async fn look(&self, deadline: Deadline, lost: Error) -> Result<(), Error> {
        const LOOKS: u32 = 5;
        let (wanted, mut pauses) = (self.verb.leads_to(), pauses());
        for _ in 0..LOOKS {
            match deadline.bound(self.instance.get()).await {
                Ok(now) if now.power_state.is_some() && now.power_state == wanted => return Ok(()),
                _ if deadline.pause(pauses.next()).await => {}
                _ => break,
            }
        }
        Err(lost)
    }
}

impl Verb {
    /// The operation's id.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::On => "instance_power_on",
            Self::Off => "instance_power_off",
            Self::Pause => "instance_pause",
            Self::Unpause => "instance_unpause",
            Self::RebootSoft => "instance_reboot_soft",
            Self::RebootHard => "instance_reboot_hard",
        }
    }

    fn leads_to(self) -> Option<PowerState> {
        match self {
            Self::On | Self::Unpause => Some(PowerState::On),
            Self::Off => Some(PowerState::Off),
            Self::Pause => Some(PowerState::Paused),
            Self::RebootSoft | Self::RebootHard => None,
        }
    }
}

/// Sends it, once.
pub(super) async fn change(instance: &InstanceRef, verb: Verb, id: &str) -> Result<(), Error> {
    let (raw, reference) = (instance.sf.raw(), instance.segment()?);
    let call = match verb {
        Verb::On => raw.instance_power_on().instance_ref(reference).send(),
        Verb::Off => raw.instance_power_off().instance_ref(reference).send(),
        Verb::Pause => raw.instance_pause().instance_ref(reference).send(),
        Verb::Unpause => raw.instance_unpause().instance_ref(reference).send(),
        Verb::RebootSoft => raw.instance_reboot_soft().instance_ref(reference).send(),
        Verb::RebootHard => raw.instance_reboot_hard().instance_ref(reference).send(),
    };
    call.request_id(id).await.map(drop)
}

into_future!(ChangePower => (): |change| change.instance.label(change.verb.operation()).watch(change.run()).await);
