//! Names of images.

use super::{Image, Incus};
use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::types;
use crate::stream::query::Query;
use crate::transport::checked_path;

handle! {
    /// A name of an image: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let stable = incus.image_alias("shop/stable");
    /// let newest = incus.image_alias("shop/edge").image().await?;
    /// stable.point_to(&newest).await?;
    /// # Ok(()) }
    /// ```
    ImageAlias<types::ImageAlias> of incus: Incus;
    /// A handle on an alias of which only the name is known; from [`Incus::image_alias`].
    ImageAliasRef
}

identified! {
    types::ImageAlias: name;
}

impl Incus {
    /// A handle on a name of an image, without a request. The name may contain slashes.
    pub fn image_alias(&self, name: impl Into<String>) -> ImageAliasRef {
        ImageAlias::new(self, Id::new(name))
    }

    /// The aliases of the project.
    pub fn image_aliases(&self) -> Query<ImageAlias> {
        let incus = self.clone();
        Query::one(async move {
            let all = incus.raw().image_aliases_list().send().await?;
            Ok(all.into_iter().map(|data| ImageAlias::new(&incus, data)).collect())
        })
    }
}

impl<D: Identified> Image<D> {
    /// Gives the image another name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken; see
    /// [`ImageAlias::point_to`].
    pub async fn add_alias(&self, name: &str) -> Result<(), Error> {
        checked_path("alias", name).map_err(|e| self.incus.label("image_alias_create", name).on(e))?;
        let alias = types::ImageAliasCreate::new(name, self.fingerprint());
        self.incus.raw().image_alias_create().body(alias).send().await
    }
}

impl<D: Identified> ImageAlias<D> {
    /// The name.
    pub fn name(&self) -> &str {
        self.data.identity()
    }

    /// Reads the alias: the fingerprint of its image, and a description.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn get(&self) -> Result<ImageAlias, Error> {
        let data = self.incus.raw().image_alias_get().alias(self.name()).send().await?;
        Ok(ImageAlias::new(&self.incus, data))
    }

    /// Reads the image that the alias names: two requests.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such alias.
    pub async fn image(&self) -> Result<Image, Error> {
        let alias = self.get().await?.into_data();
        self.incus.image(alias.target).get().await
    }

    /// Renames the alias. The result is a handle on the new name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the new name is taken.
    pub async fn rename(&self, name: &str) -> Result<ImageAliasRef, Error> {
        checked_path("alias", name).map_err(|e| self.incus.label("image_alias_rename", self.name()).on(e))?;
        let new = types::ImageAliasRename::new(name);
        self.incus.raw().image_alias_rename().alias(self.name()).body(new).send().await?;
        Ok(self.incus.image_alias(name))
    }

    /// Makes the alias name another image.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such alias or image.
    pub async fn point_to<I: Identified>(&self, image: &Image<I>) -> Result<(), Error> {
        let target = Some(image.fingerprint().to_owned());
        self.patch(types::ImageAliasPatch { target, ..Default::default() }).await
    }

    /// Sets the description.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such alias.
    pub async fn describe(&self, text: impl Into<String>) -> Result<(), Error> {
        self.patch(types::ImageAliasPatch { description: Some(text.into()), ..Default::default() }).await
    }

    async fn patch(&self, change: types::ImageAliasPatch) -> Result<(), Error> {
        self.incus.raw().image_alias_patch().alias(self.name()).body(change).send().await
    }

    /// Deletes the alias; the image stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn delete(&self) -> Result<(), Error> {
        self.incus.raw().image_alias_delete().alias(self.name()).send().await
    }
}
