//! An instance in common terms.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::{Cloud, State, until};
use crate::error::Error;
use crate::wait::until::Until;

/// An instance of any platform: a picture of the moment at which it was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Instance {
    /// What [`Cloud::get`] finds it by.
    pub id: String,
    /// Its name; the id where it has none.
    pub name: String,
    /// How it is.
    pub state: State,
    /// Its addresses, those reachable from afar first, where the platform tells; see [`Cloud::list`].
    pub addresses: Vec<IpAddr>,
    /// The region, the cluster member or the node that it is on.
    pub region: Option<String>,
    /// When it was made, where the platform tells.
    pub created: Option<DateTime<Utc>>,
    /// What people wrote on it: `user.` keys on Incus, without the prefix; tags on Lambda Cloud; text metadata on Shaken
    /// Fist. Koyeb has none on instances.
    pub labels: BTreeMap<String, String>,
    /// US cents per hour, where the platform tells.
    pub price_cents_per_hour: Option<u64>,
    /// The platform's own instance: all that it tells, and all of its verbs.
    pub native: Native,
    pub(super) cloud: Cloud,
}

/// What people wrote, without this crate's own marks.
pub(super) fn labels(all: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    const MARKS: [&str; 2] = ["windlass.launch", "windlass-launch"];
    all.filter(|(key, _)| !MARKS.contains(&key.as_str())).collect()
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
            price_cents_per_hour: None,
            native: Native::Gone,
            cloud: cloud.clone(),
        }
    }

    /// Where it is.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Reads it again.
    pub async fn get(&self) -> Result<Self, Error> {
        self.cloud.get(&self.id).await
    }

    /// Waits until it is in this state.
    ///
    /// ```no_run
    /// # async fn demo(instance: windlass::cloud::Instance) -> windlass::Result<()> {
    /// use windlass::cloud::State;
    /// let instance = instance.until(State::Running).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Fails as soon as it can't get there any more: one that is [`Failed`](State::Failed) can only be stopped or deleted,
    /// one that is [`Gone`](State::Gone) nothing at all, and nobody starts an instance of Koyeb that is stopped. One that
    /// the platform no longer knows is gone. Looks at it again and again, at growing intervals; the typed clients have
    /// waits that hear of a change at once. The limit is ten minutes unless [`timeout`](Until::timeout) says otherwise.
    /// [`Cloud::resume`] goes on from its ticket.
    pub fn until(&self, state: State) -> Until<Self> {
        until::wait(self, state)
    }
}
