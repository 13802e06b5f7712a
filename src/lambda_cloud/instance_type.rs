//! What kinds of machines there are, what they cost, and where they are available.

use super::client::LambdaCloud;
use super::types;
use crate::Price;
use crate::stream::query::Query;

impl types::InstanceType {
    /// What it costs.
    pub fn price(&self) -> Price {
        Price::from_cents_per_hour(self.price_cents_per_hour)
    }
}

impl types::InstanceTypeOffer {
    /// Whether capacity is listed in that region: a hint, no promise.
    pub fn is_listed_in(&self, region: &str) -> bool {
        self.regions_with_capacity_available.iter().any(|listed| listed.name == region)
    }
}

impl LambdaCloud {
    /// The types of instances with price, size and the regions that have capacity, ordered by name.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// for offer in lambda.instance_types().await? {
    ///     let regions = offer.regions_with_capacity_available.iter().map(|region| region.name.as_str());
    ///     let instance_type = &offer.instance_type;
    ///     println!("{} {} {:?}", instance_type.name, instance_type.price(), regions.collect::<Vec<_>>());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Types have a name and no id, and nothing can be done with one: the items are plain data. Capacity is a hint of
    /// the moment; see [`launch_when_available`](Self::launch_when_available).
    pub fn instance_types(&self) -> Query<types::InstanceTypeOffer> {
        let lambda = self.clone();
        Query::one(async move {
            let reply = lambda.raw().instance_types_list().send().await?;
            let mut offers: Vec<_> = reply.into_values().collect();
            offers.sort_by(|a, b| a.instance_type.name.cmp(&b.instance_type.name));
            Ok(offers)
        })
    }
}
