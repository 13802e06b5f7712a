//! Several clouds at once.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::{Instant as Moment, timeout_at};

use super::filter::{Filter, filters};
use super::{Cloud, Instance, State, Totals};
use crate::error::{Error, ErrorKind, Sent};
use crate::instant;
use crate::stream::list::List;
use crate::wait::BoxFuture;

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

    /// The instances of all of them, to be filtered and listed; see [`FleetInstances`].
    pub fn instances(&self) -> FleetInstances {
        FleetInstances {
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

/// Which instances of a fleet, and how long the listing may take; from [`Fleet::instances`].
///
/// `.await` it for a [`Listing`], or read it with [`stream`](Self::stream) as the clouds answer. A cloud that fails or
/// doesn't answer in time is one error; the others are listed all the same.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct FleetInstances {
    clouds: Vec<Cloud>,
    limit: Duration,
    at_once: usize,
    filter: Filter,
}

impl FleetInstances {
    /// Limits the time for all clouds together (default: 30 seconds).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How many clouds are asked at the same time (default: 16).
    pub fn at_once(mut self, clouds: usize) -> Self {
        self.at_once = clouds.max(1);
        self
    }

    filters!();

    /// The instances as the clouds answer. The time limit starts now.
    pub fn stream(self) -> FleetStream {
        let Self { clouds, limit, at_once, filter } = self;
        let end = instant::from_now(limit);
        let one_cloud = move |cloud: Cloud| one(cloud.instances_with(filter.clone()).stream(), cloud, end);
        let each = clouds.into_iter().map(one_cloud);
        FleetStream(stream::iter(each).flatten_unordered(at_once).boxed())
    }
}

impl IntoFuture for FleetInstances {
    type Output = Listing;
    type IntoFuture = BoxFuture<'static, Listing>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut listing = Listing::default();
            let mut stream = self.stream();
            while let Some(item) = stream.next().await {
                match item {
                    Ok(instance) => listing.instances.push(instance),
                    Err(e) => listing.errors.push(e),
                }
            }
            listing
        })
    }
}

/// The instances of one cloud, until it ends, fails, or the time is up.
fn one(list: List<Instance>, cloud: Cloud, end: Moment) -> BoxStream<'static, Result<Instance, CloudError>> {
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
    let e = Error::new(ErrorKind::Timeout, "no complete list within the time limit");
    cloud.label(e, "list").with(|e| (e.sent, e.repeatable) = (Sent::Unknown, true))
}

/// The instances of a fleet, as they come.
///
/// An error belongs to one cloud and is the last item that comes from it. Dropping the stream stops the requests.
pub struct FleetStream(BoxStream<'static, Result<Instance, CloudError>>);

impl FleetStream {
    /// The next instance, or the error of one cloud; none at the end.
    pub async fn next(&mut self) -> Option<Result<Instance, CloudError>> {
        StreamExt::next(&mut self.0).await
    }

    /// The next instance, for use with `?`; none at the end. After the error of one cloud the others go on.
    ///
    /// # Errors
    ///
    /// The error of one cloud.
    pub async fn try_next(&mut self) -> Result<Option<Instance>, CloudError> {
        self.next().await.transpose()
    }
}

impl Stream for FleetStream {
    type Item = Result<Instance, CloudError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for FleetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetStream").finish_non_exhaustive()
    }
}

/// Why the list of one cloud isn't complete. What came before is valid.
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

/// The instances of a fleet, and the clouds that failed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// The instances of all clouds that answered.
    pub instances: Vec<Instance>,
    /// One for each cloud whose list isn't complete.
    pub errors: Vec<CloudError>,
}

impl Listing {
    /// Whether every cloud answered completely.
    pub fn is_complete(&self) -> bool {
        self.errors.is_empty()
    }

    /// Counts by state and platform, and the price per hour.
    pub fn totals(&self) -> Totals {
        Totals::of(&self.instances)
    }
}
