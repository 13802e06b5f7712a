//! Resuming a wait by its ticket.

use std::net::IpAddr;

use crate::client::Client;
use crate::error::Error;
use crate::incus::copy::relocate;
use crate::incus::instance::{change_state, until};
use crate::incus::launch::launched;
use crate::incus::operation::completion::{Plain, Whole};
use crate::incus::operation::work::IncusWork;
use crate::incus::snapshot::{child, import_backup};
use crate::incus::{Backup, Image, Incus, Instance, Snapshot, exec, image, types};
use crate::place::CERTIFICATE;
use crate::stream::process::{ExitStatus, Output};
use crate::ticket::{Fits, Ticket};
use crate::wait::checked::Check;
use crate::wait::{BoxFuture, Operation};

impl Incus {
    /// Goes on waiting for what a ticket names.
    ///
    /// ```no_run
    /// # use windlass::incus::{Incus, Instance};
    /// # async fn demo(incus: Incus, saved: String) -> windlass::Result<()> {
    /// let web = incus.resume::<Instance>(&saved.parse()?)?.await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The type must be the one that the wait had when the ticket was taken: [`Instance`] for launch, create, copy,
    /// move, rename, [`until_running`](Instance::until_running) and [`until_ready`](Instance::until_ready),
    /// [`Snapshot`] and [`Backup`] for theirs, [`Image`] for an import, [`ExitStatus`] and [`Output`] for commands
    /// without streams, [`IpAddr`] for [`until_address`](Instance::until_address), `()` or [`types::Operation`] for an
    /// operation of which only the id is known, `()` for the rest; anything else is an error of
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput). So is a ticket of another server or project; see
    /// [`Ticket`].
    ///
    /// An operation is forgotten five seconds after its end; then the instance itself shows how it ended, or the wait
    /// ends with [`WaitEnd::Gone`](crate::WaitEnd::Gone). A start or restart has worked if the instance runs and was
    /// started since, a launch if its own instance runs, a delete if the instance isn't there. A stop, freeze or
    /// unfreeze succeeds if the instance is in that state, even if another client changed it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for another type, or for a ticket of another server
    /// or project.
    pub fn resume<T: Resume>(&self, ticket: &Ticket) -> Result<Operation<T>, Error> {
        let (incus, check) = self.going_on(ticket)?;
        let operation = T::resume(&incus, ticket).ok_or_else(|| {
            Error::invalid("ticket", format!("a {} doesn't end in such a result", ticket.kind))
        })?;
        Ok(match check {
            Some(check) => operation.after(check),
            None => operation,
        })
    }

    /// The handle that goes on with what a ticket names, and what is to be checked before.
    pub(crate) fn going_on(&self, ticket: &Ticket) -> Result<(Self, Option<Check>), Error> {
        let Fits::IfItIs(certificate) = ticket.fits(&self.place())? else { return Ok((self.clone(), None)) };
        let (asked, named) = (self.clone(), ticket.clone());
        let certain = self.that_is(Some(&certificate));
        let check = move || -> BoxFuture<'static, Result<(), Error>> {
            let (asked, named, wanted) = (asked.clone(), named.clone(), certificate.clone());
            Box::pin(async move {
                let server = asked.get_server().await?;
                match server.certificate_fingerprint() {
                    Some(shown) if shown == wanted => Ok(()),
                    other => {
                        let shown = other.map(|shown| format!("{CERTIFICATE}{shown}"));
                        Err(named.is_of_another(&shown.unwrap_or_else(|| asked.place().server.name())))
                    }
                }
            })
        };
        Ok((certain, Some(Box::new(check))))
    }

    /// A handle that knows its server by this certificate; one that is pinned stays what it is.
    pub(super) fn that_is(&self, fingerprint: Option<&str>) -> Self {
        match fingerprint {
            Some(fingerprint) if !self.0.server.is_certain() => {
                self.changed(|core| core.server = core.server.clone().known_by(fingerprint.to_owned()))
            }
            _ => self.clone(),
        }
    }
}

/// What a wait can be resumed into.
pub trait Resume: sealed::Sealed + Sized + Send + 'static {
    #[doc(hidden)]
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for super::Instance {}
    impl Sealed for super::Image {}
    impl Sealed for super::ExitStatus {}
    impl Sealed for super::Output {}
    impl Sealed for super::types::Operation {}
    impl Sealed for std::net::IpAddr {}
    impl Sealed for super::Snapshot {}
    impl Sealed for super::Backup {}
}

impl Resume for Instance {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        launched::resume(incus, ticket)
            .or_else(|| change_state::resume_rename(incus, ticket))
            .or_else(|| relocate::resume(incus, ticket))
            .or_else(|| import_backup::resume(incus, ticket))
            .or_else(|| until::resume_status(incus, ticket))
    }
}

impl Resume for Image {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        image::resume(incus, ticket)
    }
}

impl Resume for ExitStatus {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        exec::resume(incus, ticket)
    }
}

impl Resume for Output {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        exec::resume_recorded(incus, ticket)
    }
}

impl Resume for IpAddr {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        until::resume_address(incus, ticket)
    }
}

impl Resume for types::Operation {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        (ticket.kind == Plain::KIND).then(|| IncusWork::resumed(incus, ticket.id(), Whole))
    }
}

impl Resume for Snapshot {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        child::resume(incus, ticket)
    }
}

impl Resume for Backup {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        child::resume(incus, ticket)
    }
}

impl Resume for () {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        change_state::resume(incus, ticket)
            .or_else(|| child::resume_removal::<Snapshot>(incus, ticket))
            .or_else(|| child::resume_removal::<Backup>(incus, ticket))
            .or_else(|| (ticket.kind == Plain::KIND).then(|| IncusWork::resumed(incus, ticket.id(), Plain)))
    }
}
