//! What instances boot from, and where they run.

use super::client::LambdaCloud;
use super::{listed, types};
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::stream::query::Query;

identified! { types::Image: id; }

handle! {
    /// An image that instances can boot from: typed data together with a cheap handle.
    Image<types::Image> of lambda: LambdaCloud;
    /// A handle on an image of which only the id is known.
    ImageRef
}

impl LambdaCloud {
    /// A handle on an image, by its id. Sends nothing.
    pub fn image(&self, id: impl Into<String>) -> ImageRef {
        Image::new(self, Id::new(id))
    }

    /// The images that instances can boot from. The same image is listed once for each region.
    pub fn images(&self) -> Query<Image> {
        let lambda = self.clone();
        Query::one(async move {
            let all = lambda.raw().images_list().send().await?;
            Ok(all.into_iter().map(|image| Image::new(&lambda, image)).collect())
        })
    }

    /// The regions. They have no id, and nothing can be done with one: the items are plain data.
    pub fn regions(&self) -> Query<types::Region> {
        let lambda = self.clone();
        Query::one(async move { lambda.raw().regions_list().send().await })
    }
}

impl<D: Identified> Image<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the image. The API can't be asked for one: this looks in the list of all.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if it isn't in the list, and those of
    /// [every request](LambdaCloud#errors).
    pub async fn get(&self) -> Result<Image, Error> {
        let all = self.lambda.images();
        listed::find(&self.lambda, "images_list", all, self.id(), |image, id| image.id() == id).await
    }
}
