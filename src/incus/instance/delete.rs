//! Deleting an instance.

use super::change_state::Reached;
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::incus::{Instance, InstanceRef};
use crate::wait::{Operation, into_future};

impl<D: Identified> Instance<D> {
    /// Deletes it, with its snapshots.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.delete().force().await?; // whether it runs or not
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it runs, unless [`force`](DeleteInstance::force) is set; [`ErrorKind::NotFound`] if
    /// there is none.
    pub fn delete(&self) -> DeleteInstance {
        DeleteInstance { instance: self.reference(), force: false }
    }
}

/// An instance to delete; from [`Instance::delete`].
///
/// `.await` it to see the deletion through, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct DeleteInstance {
    instance: InstanceRef,
    force: bool,
}

impl DeleteInstance {
    /// Stops the instance by force if it runs, then deletes it. What it hasn't written to its disk is lost.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Sends the request; the operation goes on by itself. With [`force`](Self::force), this waits until the instance
    /// has stopped.
    ///
    /// # Errors
    ///
    /// As [`Instance::delete`].
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, force } = self;
        match request(&instance).await {
            Err(e) if force && e.kind() == ErrorKind::Conflict => {}
            other => return other,
        }
        let stopped = match instance.stop().force().await {
            // It may have stopped by itself, before the request or during the stop.
            Err(e) if matches!(e.kind(), ErrorKind::Conflict | ErrorKind::OperationFailed) => Err(e),
            other => Ok(other?),
        };
        match request(&instance).await {
            // An ephemeral instance is deleted when it stops.
            Err(e) if e.tells_absence() => Ok(deleted(&instance)),
            // It still runs.
            Err(e) if e.kind() == ErrorKind::Conflict => Err(stopped.err().unwrap_or(e)),
            other => other,
        }
    }
}

into_future!(DeleteInstance => (): send);

async fn request(instance: &InstanceRef) -> Result<Operation<()>, Error> {
    let operation = instance.incus.raw().instance_delete().name(instance.name()).send().await?;
    Ok(Reached::absence(instance.name()).accepted(&instance.incus, operation))
}

/// Nothing is left to do: the wait looks for the instance and finds none.
fn deleted(instance: &InstanceRef) -> Operation<()> {
    Reached::absence(instance.name()).reconciled(&instance.incus)
}
