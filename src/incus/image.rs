//! Images: what instances are made from.

use std::ops::Deref;

use super::ending::Ending;
use super::reply::open;
use super::work::IncusWork;
use super::{Incus, checked_name, scoped, types};
use crate::error::{Error, Kind};
use crate::page::{List, Page};
use crate::ticket::Ticket;
use crate::wait::{Action, BoxFuture, Operation};

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
            let call = incus.call();
            let request = call.image_delete().fingerprint(fingerprint.as_str());
            let result = scoped!(request, incus.own_project()).send().await;
            Ok(IncusWork::accepted(&incus, open(&call, result).await?, Deleted(fingerprint)))
        })
    }

    /// Gives it another name.
    pub async fn add_alias(&self, name: &str) -> Result<(), Error> {
        if name.is_empty() {
            return Err(Error::invalid("name", "is empty"));
        }
        let alias = types::ImageAliasCreate {
            name: name.to_owned(),
            target: self.fingerprint.clone(),
            description: String::new(),
            type_: self.type_.clone(),
        };
        let call = self.incus.call();
        let result = scoped!(call.image_alias_create().body(alias), self.incus.own_project()).send().await;
        open(&call, result).await
    }
}

impl Incus {
    /// The images of the project, as a stream.
    pub fn images(&self) -> List<Image> {
        let incus = self.clone();
        List::new(move |_| {
            let incus = incus.clone();
            Box::pin(async move {
                let call = incus.call();
                let result = scoped!(call.images_list(), incus.own_project()).send().await;
                let images = open(&call, result).await?;
                Ok(Page::only(images.into_iter().map(|data| Image { incus: incus.clone(), data }).collect()))
            })
        })
    }

    /// The image that has this fingerprint, or the start of it.
    pub async fn image(&self, fingerprint: &str) -> Result<Image, Error> {
        let fingerprint = checked_name("fingerprint", fingerprint)?;
        let call = self.call();
        let result = scoped!(call.image_get().fingerprint(fingerprint), self.own_project()).send().await;
        Ok(Image { incus: self.clone(), data: open(&call, result).await? })
    }

    /// The image that has this alias.
    pub async fn image_by_alias(&self, alias: &str) -> Result<Image, Error> {
        let alias = self.image_alias(alias).await?;
        self.image(&alias.target).await
    }

    /// An alias and the fingerprint of the image that it stands for.
    pub async fn image_alias(&self, name: &str) -> Result<types::ImageAlias, Error> {
        let name = alias_name(name)?;
        let call = self.call();
        let result = scoped!(call.image_alias_get().alias(name), self.own_project()).send().await;
        open(&call, result).await
    }

    /// Every alias of the project, as a stream.
    pub fn image_aliases(&self) -> List<types::ImageAlias> {
        let incus = self.clone();
        List::new(move |_| {
            let incus = incus.clone();
            Box::pin(async move {
                let call = incus.call();
                let result = scoped!(call.image_aliases_list(), incus.own_project()).send().await;
                Ok(Page::only(open(&call, result).await?))
            })
        })
    }

    /// Takes an alias away; the image stays.
    pub async fn delete_image_alias(&self, name: &str) -> Result<(), Error> {
        let name = alias_name(name)?;
        let call = self.call();
        let result = scoped!(call.image_alias_delete().alias(name), self.own_project()).send().await;
        open(&call, result).await
    }

    /// Imports a unified tarball (metadata and root file system in one).
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<(), Box<dyn std::error::Error>> {
    /// let image = incus.import_image(std::fs::read("busybox.tar.gz")?).file_name("busybox.tar.gz").send().await?.await?;
    /// image.add_alias("busybox").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The result is the image. One that the server already has is an error of
    /// [`Kind::AlreadyExists`].
    pub fn import_image(&self, tarball: impl Into<reqwest::Body>) -> ImageImport {
        ImageImport { incus: self.clone(), tarball: tarball.into(), file_name: None, public: false }
    }
}

fn alias_name(name: &str) -> Result<types::PathName, Error> {
    types::PathName::try_from(name).map_err(|_| Error::invalid("alias", format!("{name:?} can't be a name")))
}

/// A tarball to be imported; from [`Incus::import_image`].
#[derive(Debug)]
#[must_use = "nothing is sent before `.send().await`"]
pub struct ImageImport {
    incus: Incus,
    tarball: reqwest::Body,
    file_name: Option<String>,
    public: bool,
}

impl ImageImport {
    /// The name of the file that it was.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Everybody may use the image.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Sends the tarball; the operation goes on by itself.
    pub async fn send(self) -> Result<Operation<Image>, Error> {
        let call = self.incus.call();
        let request = call.image_import().x_incus_public(self.public.to_string()).body(self.tarball);
        let request = match self.file_name {
            Some(name) => request.x_incus_filename(name),
            None => request,
        };
        let result = scoped!(request, self.incus.own_project()).send().await;
        Ok(IncusWork::accepted(&self.incus, open(&call, result).await?, Imported))
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
                None => Err(Error::new(Kind::BadReply, "the operation tells no fingerprint")),
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
                Err(e) if e.is_not_found() => Ok(Some(())),
                Ok(_) => Ok(None),
                Err(e) => Err(e),
            }
        })
    }
}
