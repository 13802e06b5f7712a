//! The instances of one cloud.

use super::filter::{Filter, filters};
#[cfg(feature = "incus")]
use super::from_incus;
#[cfg(feature = "koyeb")]
use super::from_koyeb;
#[cfg(feature = "lambda-cloud")]
use super::from_lambda_cloud;
#[cfg(feature = "shakenfist")]
use super::from_shakenfist;
use super::{Cloud, Instance, State};
use crate::stream::list::List;
use crate::wait::into_future;

/// Which instances of a cloud; from [`Cloud::instances`].
///
/// ```no_run
/// # async fn demo(cloud: windlass::cloud::Cloud) -> windlass::Result<()> {
/// for instance in cloud.instances().label("role", "db").await? {
///     println!("{} is {}", instance.name, instance.state);
/// }
/// # Ok(()) }
/// ```
///
/// `.await` it for a `Vec`, or read it with [`stream`](Self::stream). Nothing is sent before either.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Instances {
    cloud: Cloud,
    filter: Filter,
}

impl Cloud {
    /// All instances, to be filtered and listed.
    ///
    /// The list of Incus has no addresses: [`InstanceRef::get`](super::InstanceRef::get) has them. Koyeb has none at all.
    pub fn instances(&self) -> Instances {
        self.instances_with(Filter::default())
    }

    pub(super) fn instances_with(&self, filter: Filter) -> Instances {
        Instances { cloud: self.clone(), filter }
    }
}

impl Instances {
    filters!();

    /// The list as a stream over all pages.
    pub fn stream(self) -> List<Instance> {
        let Self { cloud, filter } = self;
        let list = match &cloud {
            #[cfg(feature = "incus")]
            Cloud::Incus(incus) => from_incus::list(&cloud, incus, &filter),
            #[cfg(feature = "lambda-cloud")]
            Cloud::LambdaCloud(lambda) => from_lambda_cloud::list(&cloud, lambda),
            #[cfg(feature = "koyeb")]
            Cloud::Koyeb(koyeb) => from_koyeb::list(&cloud, koyeb),
            #[cfg(feature = "shakenfist")]
            Cloud::ShakenFist(sf) => from_shakenfist::list(&cloud, sf),
        };
        list.filter_items(move |instance| filter.admits(instance))
    }
}

into_future!(Instances => Vec<Instance>: |query| query.stream().all().await);
