//! What kinds of machines there are, what they cost, and where they can be had.

use std::collections::BTreeMap;

use super::{LambdaCloud, types};
use crate::Price;
use crate::error::Error;

impl types::InstanceType {
    /// What it costs.
    pub fn price(&self) -> Price {
        Price::from_cents_per_hour(self.price_cents_per_hour)
    }
}

impl types::InstanceTypeOffer {
    /// Whether that region is listed as having some: a hint, no promise.
    pub fn is_listed_in(&self, region: &str) -> bool {
        self.regions_with_capacity_available.iter().any(|listed| listed.name == region)
    }
}

impl LambdaCloud {
    /// The types of instances, with price, size and the regions that have some, by their names.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// for (name, offer) in lambda.instance_types().await? {
    ///     let regions = offer.regions_with_capacity_available.iter().map(|region| region.name.as_str());
    ///     println!("{name} {} {:?}", offer.instance_type.price(), regions.collect::<Vec<_>>());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Capacity is a hint of the moment; [`launch_when_available`](Self::launch_when_available) makes the best of it.
    pub async fn instance_types(&self) -> Result<BTreeMap<String, types::InstanceTypeOffer>, Error> {
        let reply = self.raw().instance_types_list().send().await?;
        Ok(reply.into_iter().collect())
    }
}
