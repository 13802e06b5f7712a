//! What instances boot from, and where they run.

use super::{LambdaCloud, types};
use crate::error::Error;

impl LambdaCloud {
    /// The images that instances can boot from; the same one is listed once per region.
    pub async fn images(&self) -> Result<Vec<types::Image>, Error> {
        let call = self.call();
        Ok(call.done(call.images_list().send().await).await?.into_inner().data)
    }

    /// The regions.
    pub async fn regions(&self) -> Result<Vec<types::Region>, Error> {
        let call = self.call();
        Ok(call.done(call.regions_list().send().await).await?.into_inner().data)
    }
}
