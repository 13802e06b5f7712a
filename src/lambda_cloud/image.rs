//! What instances boot from, and where they run.

use super::{LambdaCloud, types};
use crate::error::Error;

impl LambdaCloud {
    /// The images that instances can boot from; the same one is listed once per region.
    pub async fn images(&self) -> Result<Vec<types::Image>, Error> {
        self.raw().images_list().send().await
    }

    /// The regions.
    pub async fn regions(&self) -> Result<Vec<types::Region>, Error> {
        self.raw().regions_list().send().await
    }
}
