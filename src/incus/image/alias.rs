//! Names of images.

use super::{Image, Incus};
use crate::error::Error;
use crate::incus::reply::open;
use crate::incus::{scoped, types};
use crate::page::{List, Page};

/// A handle on a name of an image; from [`Incus::image_alias`].
///
/// ```no_run
/// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
/// let stable = incus.image_alias("shop/stable");
/// let newest = incus.image_by_alias("shop/edge").await?;
/// stable.point_to(&newest).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ImageAliasRef {
    incus: Incus,
    name: String,
}

impl Incus {
    /// A handle on a name of an image, without asking the server. It may hold slashes.
    pub fn image_alias(&self, name: impl Into<String>) -> ImageAliasRef {
        ImageAliasRef { incus: self.clone(), name: name.into() }
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
}

impl Image {
    /// Gives it another name. One that is taken is an error of [`Kind::AlreadyExists`](crate::Kind::AlreadyExists);
    /// see [`ImageAliasRef::point_to`].
    pub async fn add_alias(&self, name: &str) -> Result<(), Error> {
        checked(name)?;
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

impl ImageAliasRef {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads it: the fingerprint of the image that it stands for, and its description.
    pub async fn get(&self) -> Result<types::ImageAlias, Error> {
        let name = checked(&self.name)?;
        let call = self.incus.call();
        let result = scoped!(call.image_alias_get().alias(name), self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Renames it.
    pub async fn rename(&self, name: &str) -> Result<Self, Error> {
        let (old, _) = (checked(&self.name)?, checked(name)?);
        let new = types::ImageAliasRename { name: name.to_owned() };
        let call = self.incus.call();
        let request = call.image_alias_rename().alias(old).body(new);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await?;
        Ok(self.incus.image_alias(name))
    }

    /// Makes it stand for another image.
    pub async fn point_to(&self, image: &Image) -> Result<(), Error> {
        self.patch(types::ImageAliasPatch { target: Some(image.fingerprint.clone()), description: None })
            .await
    }

    /// Describes it.
    pub async fn describe(&self, text: impl Into<String>) -> Result<(), Error> {
        self.patch(types::ImageAliasPatch { target: None, description: Some(text.into()) }).await
    }

    async fn patch(&self, change: types::ImageAliasPatch) -> Result<(), Error> {
        let name = checked(&self.name)?;
        let call = self.incus.call();
        let request = call.image_alias_patch().alias(name).body(change);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Takes it away; the image stays.
    pub async fn delete(&self) -> Result<(), Error> {
        let name = checked(&self.name)?;
        let call = self.incus.call();
        let result = scoped!(call.image_alias_delete().alias(name), self.incus.own_project()).send().await;
        open(&call, result).await
    }
}

fn checked(name: &str) -> Result<types::PathName, Error> {
    types::PathName::try_from(name).map_err(|_| Error::invalid("alias", format!("{name:?} can't be a name")))
}
