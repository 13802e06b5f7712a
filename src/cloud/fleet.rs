//! Several clouds at once.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::time::{Instant as Moment, timeout_at};

use super::{Cloud, Instance, State, Totals};
use crate::deadline;
use crate::error::{Error, ErrorKind, Sent};

/// Several clouds, also several of one platform.
#[derive(Debug, Clone)]
pub struct Fleet {
    clouds: Vec<Cloud>,
}

impl Fleet {
    /// These clouds.
    pub fn new(clouds: impl IntoIterator<Item = Cloud>) -> Self {
        Self { clouds: clouds.into_iter().collect() }
    }

    /// The clouds.
    pub fn clouds(&self) -> &[Cloud] {
        &self.clouds
    }

    /// Lists all of them at once; see [`FleetList`].
    pub fn list(&self) -> FleetList {
        FleetList {
            clouds: self.clouds.clone(),
            limit: Duration::from_secs(30),
            at_once: 16,
            filter: Filter::default(),
        }
    }
}

impl FromIterator<Cloud> for Fleet {
    fn from_iter<I: IntoIterator<Item = Cloud>>(clouds: I) -> Self {
        Self::new(clouds)
    }
}

/// A listing to be made: what is wanted of it, and how long it may take.
///
/// Read it as a stream with [`stream`](Self::stream), or to its end with [`all`](Self::all). What answers comes as it
/// comes; a cloud that doesn't answer in time, or breaks off, is one error item.
#[derive(Debug, Clone)]
#[must_use = "nothing is asked before `.stream()` or `.all().await`"]
pub struct FleetList {
    clouds: Vec<Cloud>,
    limit: Duration,
    at_once: usize,
    filter: Filter,
}

#[derive(Debug, Clone, Default)]
struct Filter {
    states: Vec<State>,
    names: Vec<String>,
    regions: Vec<String>,
    labels: Vec<(String, Option<String>)>,
}

impl FleetList {
    /// How long to wait for all clouds together; 30 seconds unless said otherwise.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How many clouds to ask at a time; 16 unless said otherwise.
    pub fn at_once(mut self, clouds: usize) -> Self {
        self.at_once = clouds.max(1);
        self
    }

    /// Only instances in this state; said more than once: in any of them.
    pub fn state(mut self, state: State) -> Self {
        self.filter.states.push(state);
        self
    }

    /// Only instances whose name has this in it; said more than once: any of them.
    pub fn name(mut self, part: impl Into<String>) -> Self {
        self.filter.names.push(part.into());
        self
    }

    /// Only instances in this region; said more than once: in any of them.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.filter.regions.push(region.into());
        self
    }

    /// Only instances with this label; said more than once: with all of them.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.filter.labels.push((key.into(), Some(value.into())));
        self
    }

    /// Only instances that have a label of this name, whatever it says.
    pub fn has_label(mut self, key: impl Into<String>) -> Self {
        self.filter.labels.push((key.into(), None));
        self
    }

    /// What answers, as it comes. The time begins now.
    pub fn stream(self) -> Instances {
        let Self { clouds, limit, at_once, filter } = self;
        let end = deadline::from_now(limit);
        let each = clouds.into_iter().map(move |cloud| one(cloud, end));
        let all = stream::iter(each).flatten_unordered(at_once);
        let wanted = all.try_filter(move |instance| std::future::ready(filter.lets(instance)));
        Instances(wanted.boxed())
    }

    /// All that answers within the time, and the errors of what doesn't.
    pub async fn all(self) -> Listing {
        let mut listing = Listing::default();
        let mut stream = self.stream();
        while let Some(item) = stream.next().await {
            match item {
                Ok(instance) => listing.instances.push(instance),
                Err(e) => listing.errors.push(e),
            }
        }
        listing
    }
}

impl Filter {
    fn lets(&self, instance: &Instance) -> bool {
        let region = instance.region.as_ref();
        (self.states.is_empty() || self.states.contains(&instance.state))
            && (self.names.is_empty() || self.names.iter().any(|part| instance.name.contains(part)))
            && (self.regions.is_empty() || region.is_some_and(|region| self.regions.contains(region)))
            && self.labels.iter().all(|(key, value)| {
                let found = instance.labels.get(key);
                found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
            })
    }
}

/// The instances of one cloud, until it ends, fails, or the time is up.
fn one(cloud: Cloud, end: Moment) -> BoxStream<'static, Result<Instance, CloudError>> {
    let list = cloud.list();
    stream::unfold(Some((cloud, list)), move |open| async move {
        let (cloud, mut list) = open?;
        match timeout_at(end, list.try_next()).await {
            Ok(Ok(Some(instance))) => Some((Ok(instance), Some((cloud, list)))),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some((Err(CloudError { cloud, error }), None)),
            Err(_) => {
                let error = late(&cloud);
                Some((Err(CloudError { cloud, error }), None))
            }
        }
    })
    .boxed()
}

fn late(cloud: &Cloud) -> Error {
    let e = Error::new(ErrorKind::Timeout, "no whole list within the time limit");
    cloud.label(e, "list").with(|e| (e.sent, e.repeatable) = (Sent::Unknown, true))
}

/// The instances of a fleet, as they come.
///
/// An error is of one cloud, and the last that comes from it. Dropping the stream stops asking.
pub struct Instances(BoxStream<'static, Result<Instance, CloudError>>);

impl Stream for Instances {
    type Item = Result<Instance, CloudError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instances").finish_non_exhaustive()
    }
}

/// Why a cloud's list isn't whole. What came of it before is right all the same.
#[derive(Debug)]
#[non_exhaustive]
pub struct CloudError {
    /// Which cloud.
    pub cloud: Cloud,
    /// What happened.
    pub error: Error,
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cloud, self.error)
    }
}

impl std::error::Error for CloudError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// What a fleet answered.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// All instances of all clouds that answered.
    pub instances: Vec<Instance>,
    /// One for each cloud whose list isn't whole.
    pub errors: Vec<CloudError>,
}

impl Listing {
    /// Whether every cloud answered.
    pub fn is_whole(&self) -> bool {
        self.errors.is_empty()
    }

    /// Counts by state and platform, and the price per hour.
    pub fn totals(&self) -> Totals {
        Totals::of(&self.instances)
    }
}
