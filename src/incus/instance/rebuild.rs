//! Making an instance's root anew.

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::ImageSource;
use crate::incus::launch::instance_source;
use crate::incus::operation::completion::Plain;
use crate::incus::operation::work::IncusWork;
use crate::incus::types;
use crate::incus::types::SourceType;
use crate::incus::{Instance, InstanceRef};
use crate::wait::{Operation, into_future};

impl<D: Identified> Instance<D> {
    /// Replaces its root by that of an image; configuration and devices stay, everything inside is lost.
    ///
    /// ```no_run
    /// # use windlass::incus::ImageSource;
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.rebuild("debian/13").await?;
    /// web.rebuild(ImageSource::alias("debian/13").server("https://images.linuxcontainers.org")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// One that runs is an error of [`ErrorKind::Conflict`](crate::ErrorKind::Conflict); one that has snapshots fails
    /// the operation.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_manage/#rebuild-an-instance>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it runs. Snapshots fail the operation.
    pub fn rebuild(&self, image: impl Into<ImageSource>) -> Rebuild {
        let mut source = instance_source::blank();
        image.into().apply(&mut source);
        Rebuild { instance: self.reference(), source }
    }

    /// Replaces its root by nothing; as [`rebuild`](Self::rebuild).
    pub fn rebuild_empty(&self) -> Rebuild {
        let source = types::InstanceSource::new(SourceType::None);
        Rebuild { instance: self.reference(), source }
    }
}

/// An instance to rebuild; from [`Instance::rebuild`].
///
/// `.await` it to see it through, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Rebuild {
    instance: InstanceRef,
    source: types::InstanceSource,
}

impl Rebuild {
    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Instance::rebuild`].
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, source } = self;
        instance_source::check(&source)?;
        let body = types::InstanceRebuild::new(source);
        let request = instance.incus.raw().instance_rebuild().name(instance.name()).body(body);
        Ok(IncusWork::accepted(&instance.incus, request.send().await?, Plain))
    }
}

into_future!(Rebuild => (): |it| Ok(it.send().await?.await?));
