//! Images: what instances are made from.

mod alias;
mod change;
mod export;
mod import;

use crate::error::{Error, ErrorKind};
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::operation::completion::{Completion, Plain};
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, types};
use crate::stream::query::Query;
use crate::ticket::Ticket;
use crate::wait::{Action, BoxFuture, Operation};

pub use alias::{ImageAlias, ImageAliasRef};
pub use change::PatchImage;
#[cfg(fuzzing)]
pub use export::fuzz;
pub use export::{ExportImage, ImageFiles};
pub use import::ImportImage;

handle! {
    /// An image on the server: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let debian = incus.image_alias("debian/13").image().await?;
    /// println!("{} has {} bytes", debian.fingerprint, debian.size);
    /// debian.refresh().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/image-handling/>
    Image<types::Image> of incus: Incus;
    /// A handle on an image of which only the fingerprint is known; from [`Incus::image`].
    ImageRef
}

identified! {
    types::Image: fingerprint;
}

impl Incus {
    /// The images of the project.
    pub fn images(&self) -> Query<Image> {
        let incus = self.clone();
        Query::one(async move {
            let images = incus.raw().images_list().send().await?;
            Ok(images.into_iter().map(|data| Image::new(&incus, data)).collect())
        })
    }

    /// A handle on an image by its fingerprint, without a request. [`get`](Image::get) also takes the start of a
    /// fingerprint. By alias: [`image_alias`](Self::image_alias).
    pub fn image(&self, fingerprint: impl Into<String>) -> ImageRef {
        Image::new(self, Id::new(fingerprint))
    }
}

impl<D: Identified> Image<D> {
    /// The fingerprint: SHA-256 of the image's files, in hex.
    pub fn fingerprint(&self) -> &str {
        self.data.identity()
    }

    /// Reads the image.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn get(&self) -> Result<Image, Error> {
        let data = self.incus.raw().image_get().fingerprint(self.fingerprint()).send().await?;
        Ok(Image::new(&self.incus, data))
    }

    /// Deletes it. Instances made from it stay.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none.
    pub fn delete(&self) -> Action<()> {
        let image = self.reference();
        Action::new(async move {
            let request = image.incus.raw().image_delete().fingerprint(image.fingerprint());
            let operation = request.send().await?;
            let deleted = Deleted(image.fingerprint().to_owned());
            Ok(IncusWork::accepted(&image.incus, operation, deleted))
        })
    }

    /// Asks the image's origin for a newer version, and fetches it. The operation of an imported image fails, since it
    /// has no origin.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::OperationFailed`] without an origin.
    pub fn refresh(&self) -> Action<()> {
        let image = self.reference();
        Action::new(async move {
            let request = image.incus.raw().image_refresh().fingerprint(image.fingerprint());
            Ok(IncusWork::accepted(&image.incus, request.send().await?, Plain))
        })
    }
}

/// Ends in the image that the operation names.
struct Imported;

impl Completion for Imported {
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
                Some(fingerprint) => incus.image(fingerprint).get().await,
                None => Err(Error::new(ErrorKind::BadReply, "the operation tells no fingerprint")),
            }
        })
    }

    fn reconcile<'a>(&'a self, _: &'a Incus) -> BoxFuture<'a, Result<Option<Image>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

pub(super) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Image>> {
    (ticket.kind == "image-import").then(|| IncusWork::resumed(incus, ticket.id(), Imported))
}

/// The image is then gone.
struct Deleted(String);

impl Completion for Deleted {
    type Output = ();

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", "operation", id)
    }

    fn finish<'a>(&'a self, _: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<()>, Error>> {
        Box::pin(async {
            match incus.image(&self.0).get().await {
                Ok(_) => Ok(None),
                Err(e) => e.absence().map(Some),
            }
        })
    }
}
