//! Making an instance's root anew.

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::ImageSource;
use crate::incus::connect::image_remotes;
use crate::incus::launch::instance_source;
use crate::incus::operation::completion::{Completion, Plain};
use crate::incus::operation::work::IncusWork;
use crate::incus::types;
use crate::incus::types::SourceType;
use crate::incus::{Incus, Instance, InstanceRef};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation, into_future};

impl<D: Identified> Instance<D> {
    /// Replaces its root by that of an image; configuration and devices stay, everything inside is lost.
    ///
    /// ```no_run
    /// # use windlass::incus::ImageSource;
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.rebuild("images:debian/13").await?;
    /// web.rebuild(ImageSource::alias("shop").server("https://images.example.org")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The image is named as in [`Launch::image`](crate::incus::Launch::image), with the same errors.
    ///
    /// One that runs is an error of [`ErrorKind::Conflict`](crate::ErrorKind::Conflict); one that has snapshots fails the operation.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_manage/#rebuild-an-instance>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it runs. Snapshots fail the operation.
    pub fn rebuild(&self, image: impl Into<ImageSource>) -> Rebuild {
        let mut source = instance_source::blank();
        let mut as_command = false;
        image.into().apply(&mut source, &mut as_command);
        Rebuild { instance: self.reference(), source, as_command }
    }

    /// Replaces its root by nothing; as [`rebuild`](Self::rebuild).
    pub fn rebuild_empty(&self) -> Rebuild {
        let source = types::InstanceSource::new(SourceType::None);
        Rebuild { instance: self.reference(), source, as_command: false }
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
    /// The image's alias may begin with a remote.
    as_command: bool,
}

impl Rebuild {
    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Instance::rebuild`].
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, mut source, as_command } = self;
        instance_source::check(&source)?;
        if as_command {
            image_remotes::resolve(&instance.incus, &mut source).await?;
        }
        let ending = Rebuilt { alias: instance_source::local_alias(&source) };
        let body = types::InstanceRebuild::new(source);
        let request = instance.incus.raw().instance_rebuild().name(instance.name()).body(body);
        Ok(IncusWork::accepted(&instance.incus, request.send().await?, ending))
    }
}

/// Nothing comes after it, but an alias that isn't there is explained.
struct Rebuilt {
    alias: Option<String>,
}

impl Completion for Rebuilt {
    type Output = ();

    fn ticket(&self, id: &str) -> Ticket {
        Plain.ticket(id)
    }

    fn finish<'a>(&'a self, _: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<()>, Error>> {
        Plain.reconcile(incus)
    }

    fn confirm<'a>(&'a self, _: &'a Incus, e: Error) -> BoxFuture<'a, Error> {
        Box::pin(async { instance_source::suggest_remote(e, self.alias.as_deref()) })
    }
}

into_future!(Rebuild => (): send);
