//! An instance in common terms.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Cloud, State};
use crate::price::Price;

/// An instance of any platform, as it was when it was read.
///
/// It serializes as its fields, with the platform's name as `cloud` and without `native`.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Instance {
    /// What [`Cloud::instance`] takes: the name on Incus, the id elsewhere.
    pub id: String,
    /// Its name: the service and a number on Koyeb, for example `shop/0`; the id where it has none.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Its addresses, those reachable from afar first, where the platform tells; see [`Cloud::instances`].
    pub addresses: Vec<IpAddr>,
    /// The region, the cluster member or the node that it is on.
    pub region: Option<String>,
    /// When it was created, where the platform tells.
    pub created: Option<DateTime<Utc>>,
    /// Its labels: `user.` keys on Incus, without the prefix; tags on Lambda Cloud; text metadata on Shaken Fist. Koyeb has
    /// none.
    pub labels: BTreeMap<String, String>,
    /// What it costs, where the platform tells.
    pub price: Option<Price>,
    /// The platform's own instance, with all its data and verbs.
    #[serde(skip)]
    pub native: Native,
    pub(super) cloud: Cloud,
}

/// Labels without the marker that a launch of this crate writes.
pub(super) fn labels(all: impl Iterator<Item = (String, String)>, marker: &str) -> BTreeMap<String, String> {
    all.filter(|(key, _)| key != marker).collect()
}

/// The instance as its own platform has it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Native {
    /// On Incus.
    #[cfg(feature = "incus")]
    Incus(Box<crate::incus::Instance>),
    /// On Lambda Cloud.
    #[cfg(feature = "lambda-cloud")]
    LambdaCloud(Box<crate::lambda_cloud::Instance>),
    /// On Koyeb.
    #[cfg(feature = "koyeb")]
    Koyeb(Box<crate::koyeb::Instance>),
    /// On Shaken Fist.
    #[cfg(feature = "shakenfist")]
    ShakenFist(Box<crate::shakenfist::Instance>),
    /// Nothing is known of it but its id and name: it was gone when [`Cloud::resume`] went on waiting for that.
    Gone,
}

impl Instance {
    pub(super) fn never_seen(cloud: &Cloud, id: &str, name: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            name: name.unwrap_or(id).to_owned(),
            state: State::Gone,
            addresses: Vec::new(),
            region: None,
            created: None,
            labels: BTreeMap::new(),
            price: None,
            native: Native::Gone,
            cloud: cloud.clone(),
        }
    }

    /// The cloud that it is on.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }
}
