//! Names of images.

use super::{Image, Incus};
use crate::error::Error;
use crate::incus::types;
use crate::stream::list::{List, Page};
use crate::transport::checked_path;

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
            Box::pin(async move { Ok(Page::only(incus.raw().image_aliases_list().send().await?)) })
        })
    }
}

impl Image {
    /// Gives it another name. One that is taken is an error of [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists);
    /// see [`ImageAliasRef::point_to`].
    pub async fn add_alias(&self, name: &str) -> Result<(), Error> {
        checked_path("alias", name).map_err(|e| self.incus.label("image_alias_create", name).on(e))?;
        let alias = types::ImageAliasCreate {
            type_: self.type_.clone(),
            ..types::ImageAliasCreate::new(name, &self.fingerprint)
        };
        self.incus.raw().image_alias_create().body(alias).send().await
    }
}

impl ImageAliasRef {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads it: the fingerprint of the image that it stands for, and its description.
    pub async fn get(&self) -> Result<types::ImageAlias, Error> {
        self.incus.raw().image_alias_get().alias(&self.name).send().await
    }

    /// Renames it.
    pub async fn rename(&self, name: &str) -> Result<Self, Error> {
        checked_path("alias", name).map_err(|e| self.incus.label("image_alias_rename", &self.name).on(e))?;
        let new = types::ImageAliasRename::new(name);
        self.incus.raw().image_alias_rename().alias(&self.name).body(new).send().await?;
        Ok(self.incus.image_alias(name))
    }

    /// Makes it stand for another image.
    pub async fn point_to(&self, image: &Image) -> Result<(), Error> {
        self.patch(types::ImageAliasPatch { target: Some(image.fingerprint.clone()), ..Default::default() })
            .await
    }

    /// Describes it.
    pub async fn describe(&self, text: impl Into<String>) -> Result<(), Error> {
        self.patch(types::ImageAliasPatch { description: Some(text.into()), ..Default::default() }).await
    }

    async fn patch(&self, change: types::ImageAliasPatch) -> Result<(), Error> {
        self.incus.raw().image_alias_patch().alias(&self.name).body(change).send().await
    }

    /// Takes it away; the image stays.
    pub async fn delete(&self) -> Result<(), Error> {
        self.incus.raw().image_alias_delete().alias(&self.name).send().await
    }
}
