//! Bringing a copy up to date.

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::launch::instance_source;
use crate::incus::operation::completion::Plain;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Instance, InstanceRef, Launch};
use crate::wait::{Operation, into_future};

impl<D: Identified> Instance<D> {
    /// Brings it, a copy, up to date with its original: the files, and the snapshots that it lacks.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let spare = web.copy("web-spare").await?;
    /// // … later:
    /// spare.refresh_from(&web).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// It must exist and be stopped; its configuration stays. What the original no longer has is deleted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such copy. A copy that runs fails the
    /// operation.
    pub fn refresh_from<O: Identified>(&self, original: &Instance<O>) -> Refresh {
        let mut launch = Launch::new(&self.incus, self.name().to_owned(), false).copy_of(original);
        launch.create.source.refresh = true;
        Refresh { instance: self.reference(), launch }
    }
}

/// A copy to bring up to date; from [`Instance::refresh_from`].
///
/// `.await` it to see it through, or [`send`](Self::send) it and keep the operation.
#[derive(Debug)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Refresh {
    instance: InstanceRef,
    launch: Launch,
}

impl Refresh {
    /// Leaves snapshots alone.
    pub fn instance_only(mut self) -> Self {
        self.launch = self.launch.instance_only();
        self
    }

    /// Leaves out snapshots of the original that are older than the newest of the copy.
    pub fn exclude_older(mut self) -> Self {
        self.launch.create.source.refresh_exclude_older = true;
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Instance::refresh_from`].
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, mut launch } = self;
        instance_source::check(&launch.create.source)?;
        // The server would make what it is to refresh.
        let copy = instance.get().await?.into_data();
        launch.create.architecture = copy.architecture;
        let incus = &instance.incus;
        let request = incus.raw().instance_create().body(*launch.create);
        // A cluster would let any member do it, and fail unless the copy is on that one.
        let request = match copy.location.as_str() {
            // On none, whatever the handle says.
            "" | "none" => request.target(""),
            member => request.target(member),
        };
        Ok(IncusWork::accepted(incus, request.send().await?, Plain))
    }
}

into_future!(Refresh => (): send);
