//! Changing the description of an image.

use chrono::{DateTime, Utc};

use super::{Image, ImageRef};
use crate::error::Error;
use crate::handle::Identified;
use crate::incus::types;
use crate::wait::into_future;

impl<D: Identified> Image<D> {
    /// Sets a few things and leaves the rest alone.
    ///
    /// ```no_run
    /// # async fn demo(image: windlass::incus::Image) -> windlass::Result<()> {
    /// image.patch().property("release", "13.2").public(true).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such image.
    pub fn patch(&self) -> PatchImage {
        PatchImage { image: self.reference(), change: types::ImagePatch::default() }
    }
}

/// A change of a few things; from [`Image::patch`]. `.await` it: it is done when answered.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct PatchImage {
    image: ImageRef,
    change: types::ImagePatch,
}

impl PatchImage {
    /// Sets a property.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.change.properties.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Whether everybody may use it.
    pub fn public(mut self, public: bool) -> Self {
        self.change.public = Some(public);
        self
    }

    /// Whether the server keeps it up to date.
    pub fn auto_update(mut self, auto_update: bool) -> Self {
        self.change.auto_update = Some(auto_update);
        self
    }

    /// When the server may delete it.
    pub fn expires_at(mut self, time: DateTime<Utc>) -> Self {
        self.change.expires_at = Some(time);
        self
    }

    /// The profiles of instances made from it, all of them.
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.change.profiles = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    async fn send(self) -> Result<(), Error> {
        let Self { image, change } = self;
        image.incus.raw().image_patch().fingerprint(image.fingerprint()).body(change).send().await
    }
}

into_future!(PatchImage => (): |it| it.send().await);
