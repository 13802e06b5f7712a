//! Making an instance's root anew.

use std::future::IntoFuture;

use super::ending::Plain;
use super::instance::Subject;
use super::reply::open;
use super::source::{self, ImageSource};
use super::types::{self, SourceType};
use super::work::IncusWork;
use super::{Instance, InstanceRef, checked_name, scoped};
use crate::error::Error;
use crate::wait::{BoxFuture, Operation};

impl<D: Subject> Instance<D> {
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
    /// One that runs is an error of [`Kind::Conflict`](crate::Kind::Conflict); one that has snapshots fails the operation.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_manage/#rebuild-an-instance>
    pub fn rebuild(&self, image: impl Into<ImageSource>) -> Rebuild {
        let mut source = source::blank();
        image.into().apply(&mut source);
        Rebuild { instance: self.named(), source }
    }

    /// Replaces its root by nothing; as [`rebuild`](Self::rebuild).
    pub fn rebuild_empty(&self) -> Rebuild {
        let source = types::InstanceSource { type_: SourceType::None, ..source::blank() };
        Rebuild { instance: self.named(), source }
    }
}

/// An instance to be made anew; from [`Instance::rebuild`].
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
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, source } = self;
        let name = checked_name("name", instance.name())?;
        source::check(&source)?;
        let call = instance.incus.call();
        let request = call.instance_rebuild().name(name).body(types::InstanceRebuild { source });
        let result = scoped!(request, instance.incus.own_project()).send().await;
        Ok(IncusWork::accepted(&instance.incus, open(&call, result).await?, Plain))
    }
}

impl IntoFuture for Rebuild {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}
