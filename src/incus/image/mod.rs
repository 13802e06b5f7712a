//! Images: what instances are made from.

mod alias;
mod change;
mod export;
mod import;

use std::ops::Deref;

use super::ending::{Ending, Plain};
use super::work::IncusWork;
use super::{Incus, types};
use crate::error::{Error, ErrorKind};
use crate::stream::list::{List, Page};
use crate::ticket::Ticket;
use crate::wait::{Action, BoxFuture, Operation};

pub use alias::ImageAliasRef;
pub use change::ImagePatch;
#[cfg(fuzzing)]
pub use export::fuzz;
pub use export::{ExportImage, ImageFiles};
pub use import::ImageImport;

/// An image on the server.
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/image-handling/>
#[derive(Debug, Clone)]
pub struct Image {
    incus: Incus,
    data: types::Image,
}

impl Deref for Image {
    type Target = types::Image;

    fn deref(&self) -> &types::Image {
        &self.data
    }
}

impl Image {
    /// Deletes it. Instances made from it stay.
    pub fn delete(&self) -> Action<()> {
        let (incus, fingerprint) = (self.incus.clone(), self.fingerprint.clone());
        Action::new(async move {
            let request = incus.raw().image_delete().fingerprint(&fingerprint);
            Ok(IncusWork::accepted(&incus, request.send().await?, Deleted(fingerprint)))
        })
    }

    /// Asks where it came from for a newer version, and fetches it. An image that was imported came from nowhere: then
    /// the operation fails.
    pub fn refresh(&self) -> Action<()> {
        let (incus, fingerprint) = (self.incus.clone(), self.fingerprint.clone());
        Action::new(async move {
            let request = incus.raw().image_refresh().fingerprint(fingerprint);
            Ok(IncusWork::accepted(&incus, request.send().await?, Plain))
        })
    }
}

impl Incus {
    /// The images of the project, as a stream.
    pub fn images(&self) -> List<Image> {
        let incus = self.clone();
        List::new(move |_| {
            let incus = incus.clone();
            Box::pin(async move {
                let images = incus.raw().images_list().send().await?;
                Ok(Page::only(images.into_iter().map(|data| Image { incus: incus.clone(), data }).collect()))
            })
        })
    }

    /// The image that has this fingerprint, or the start of it.
    pub async fn image(&self, fingerprint: &str) -> Result<Image, Error> {
        let data = self.raw().image_get().fingerprint(fingerprint).send().await?;
        Ok(Image { incus: self.clone(), data })
    }

    /// The image that has this alias.
    pub async fn image_by_alias(&self, alias: &str) -> Result<Image, Error> {
        let alias = self.image_alias(alias).get().await?;
        self.image(&alias.target).await
    }
}

/// Ends in the image that the operation names.
struct Imported;

impl Ending for Imported {
    type Output = Image;

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", "image-import", id)
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Image, Error>> {
        Box::pin(async {
            let metadata = operation.metadata.as_ref();
            let fingerprint =
                metadata.and_then(|metadata| metadata.get("fingerprint")).and_then(|value| value.as_str());
            match fingerprint {
                Some(fingerprint) => incus.image(fingerprint).await,
                None => Err(Error::new(ErrorKind::BadReply, "the operation tells no fingerprint")),
            }
        })
    }

    fn settle<'a>(&'a self, _: &'a Incus) -> BoxFuture<'a, Result<Option<Image>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

pub(super) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Image>> {
    (ticket.kind == "image-import").then(|| IncusWork::resumed(incus, ticket.id(), Imported))
}

/// The image is then gone.
struct Deleted(String);

impl Ending for Deleted {
    type Output = ();

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", "operation", id)
    }

    fn finish<'a>(&'a self, _: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn settle<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<()>, Error>> {
        Box::pin(async {
            match incus.image(&self.0).await {
                Ok(_) => Ok(None),
                Err(e) => e.absence().map(Some),
            }
        })
    }
}
