//! Resuming a wait by its ticket.

use super::ending::Plain;
use super::work::IncusWork;
use super::{Backup, Image, Incus, Instance, Snapshot, image, import, launched, part, relocate, state};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::wait::Operation;

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
    /// The type must be the one that the operation had when the ticket was taken: [`Instance`] for launch, create, copy,
    /// move and rename, [`Snapshot`] and [`Backup`] for theirs, [`Image`] for an import, `()` for the rest; anything else is an error of [`Kind::InvalidInput`](crate::Kind::InvalidInput).
    /// An operation is forgotten five seconds after its end; then the instance itself shows how it ended, or the wait
    /// ends with [`WaitEnd::Gone`](crate::WaitEnd::Gone).
    pub fn resume<T: Resume>(&self, ticket: &Ticket) -> Result<Operation<T>, Error> {
        let incus = match ticket.fact("project") {
            Some(project) => self.project(project),
            // Not this handle's own: the same name there is another instance.
            None => self.changed(|core| core.project = None),
        };
        if ticket.api != "incus" {
            return Err(Error::invalid("ticket", format!("is one of {}, not of incus", ticket.api)));
        }
        T::resume(&incus, ticket).ok_or_else(|| {
            Error::invalid("ticket", format!("a {} doesn't end in such a result", ticket.kind))
        })
    }
}

/// What a wait can be resumed into.
pub trait Resume: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for super::Instance {}
    impl Sealed for super::Image {}
    impl Sealed for super::Snapshot {}
    impl Sealed for super::Backup {}
}

impl Resume for Instance {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        launched::resume(incus, ticket)
            .or_else(|| state::resume_rename(incus, ticket))
            .or_else(|| relocate::resume(incus, ticket))
            .or_else(|| import::resume(incus, ticket))
    }
}

impl Resume for Image {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        image::resume(incus, ticket)
    }
}

impl Resume for Snapshot {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        part::resume(incus, ticket)
    }
}

impl Resume for Backup {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        part::resume(incus, ticket)
    }
}

impl Resume for () {
    fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Self>> {
        state::resume(incus, ticket)
            .or_else(|| part::resume_removal::<Snapshot>(incus, ticket))
            .or_else(|| part::resume_removal::<Backup>(incus, ticket))
            .or_else(|| (ticket.kind == Plain::KIND).then(|| IncusWork::resumed(incus, ticket.id(), Plain)))
    }
}
