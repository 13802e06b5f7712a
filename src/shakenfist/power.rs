//! Power on and off, pause: done when the server answers.

use std::time::Duration;

use super::deadline::Deadline;
use super::instance::{Instance, InstanceRef};
use super::poll::pauses;
use super::reconcile;
use super::types::PowerState;
use crate::error::Error;
use crate::handle::Identified;
use crate::wait::into_future;

/// A change of an instance's power; from [`Instance::power_on`], [`power_off`](Instance::power_off),
/// [`pause`](Instance::pause) and [`unpause`](Instance::unpause). `.await` it.
///
/// While the instance isn't `created` yet, the request is repeated, for up to a minute or the
/// [`timeout`](Self::timeout). If the answer is lost, or comes from a gateway, the power state shows whether it worked.
/// Then the request isn't sent again. There is no operation to keep: the change is done when the server answers.
///
/// # Errors
///
/// [`Conflict`](crate::ErrorKind::Conflict) if it doesn't fit the power state, for example a pause of an instance that
/// is off, or if the instance can't become `created`; and those of [every request](crate::ShakenFist#errors).
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
    /// Powers the instance on. Does nothing if it is on.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.power_off().await?;
    /// web.power_on().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Servers since 0.8 create a new config drive. Vendor's page:
    /// <https://shakenfist.com/developer_guide/api_reference/instances/#other-instance-lifecycle-operations>
    ///
    /// # Errors
    ///
    /// Those of [`ChangePower`].
    #[doc(alias = "start")]
    pub fn power_on(&self) -> ChangePower {
        self.power(Verb::On)
    }

    /// Powers the instance off at once, without telling the guest. Does nothing if it is off.
    ///
    /// # Errors
    ///
    /// Those of [`ChangePower`].
    #[doc(alias = "stop")]
    pub fn power_off(&self) -> ChangePower {
        self.power(Verb::Off)
    }

    /// Stops the processors. The memory stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`ChangePower`].
    pub fn pause(&self) -> ChangePower {
        self.power(Verb::Pause)
    }

    /// Lets a paused instance run again.
    ///
    /// # Errors
    ///
    /// Those of [`ChangePower`].
    #[doc(alias = "resume")]
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
    /// How long it may take, including the wait for the instance to become `created` (default: a minute).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<(), Error> {
        let deadline = Deadline::after(self.limit);
        let (instance, verb) = (&self.instance, self.verb);
        let id = reconcile::request_id();
        match deadline.until_ready(|| change(instance, verb, &id)).await {
            Err(e) if reconcile::is_open(&e) => self.look(deadline, e).await,
            result => result,
        }
    }

    /// The answer is lost: the power state shows whether it worked.
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

into_future!(ChangePower => (): |change| change.instance.label(change.verb.operation()).watch(change.run()).await);

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

/// Sends the request, once.
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
