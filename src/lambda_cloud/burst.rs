//! Launching several instances.

use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;

use super::choice::Choice;
use super::client::LambdaCloud;
use super::instance::Instance;
use super::launch::Launch;
use super::launch_when_available::LaunchWhenAvailable;
use crate::error::Error;
use crate::price::Price;
use crate::wait::{BoxFuture, Operation, Progress, WaitError, into_future};

/// Several instances to launch; from [`Launch::count`] or [`LaunchWhenAvailable::count`].
///
/// `.await` it for a [`BurstReport`] once all are active, or [`send`](Self::send) it and keep the operations.
///
/// The instances are launched one after the other, each as by
/// [`launch_when_available`](crate::LambdaCloud::launch_when_available): the service accepts a launch every twelve
/// seconds, and the client keeps to that. There are never more than the count: the next launch is sent only when the one
/// before is accepted, or is known to have failed. If the outcome of one is unknown, the burst ends there.
///
/// With a [`key`](Launch::key), the instances have the keys `key/1`, `key/2` and so on, so the same call after a crash
/// launches only those that are missing.
///
/// Dropping it may leave launches behind; [`stop_when`](Self::stop_when) doesn't.
#[derive(Debug)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Burst {
    search: LaunchWhenAvailable,
    count: usize,
    price_limit: Option<Price>,
}

impl Launch {
    /// This many instances, in the region that is set, or else in any.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use windlass::Price;
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let burst = lambda
    ///     .launch("gpu_1x_a10")
    ///     .ssh_key("laptop")
    ///     .count(8)
    ///     .price_limit(Price::from_cents_per_hour(1000)) // for all of them
    ///     .search_timeout(Duration::from_secs(900))
    ///     .await?;
    /// for gpu in &burst.running {
    ///     println!("{}", gpu.ssh_command().unwrap_or_default());
    /// }
    /// if let Some(why) = &burst.shortfall {
    ///     println!("{} instead of 8: {why}", burst.running.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn count(self, count: usize) -> Burst {
        let (instance_type, region) = (&self.request.instance_type_name, &self.request.region_name);
        let choice = Choice { instance_type: instance_type.clone(), region: Some(region.clone()) };
        let choice = if region.is_empty() { choice.anywhere() } else { choice };
        LaunchWhenAvailable::of(self, vec![choice]).count(count)
    }
}

impl LaunchWhenAvailable {
    /// This many instances instead of one, each from the best choice that is available then.
    pub fn count(self, count: usize) -> Burst {
        Burst { search: self, count, price_limit: None }
    }
}

impl Burst {
    /// Sets up the launches, except for type and region.
    pub fn launch(mut self, set_up: impl FnOnce(Launch) -> Launch) -> Self {
        self.search = self.search.launch(set_up);
        self
    }

    /// What all instances together may cost per hour. A type whose price isn't known isn't launched.
    pub fn price_limit(mut self, limit: Price) -> Self {
        self.price_limit = Some(limit);
        self
    }

    /// How long to search for capacity for all of them; an hour if not set. The waits for the instances have limits of
    /// their own.
    pub fn search_timeout(mut self, limit: Duration) -> Self {
        self.search = self.search.search_timeout(limit);
        self
    }

    /// Calls `tell` with each choice that was tried and its result, and then while the instances boot.
    pub fn on_progress(mut self, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.search = self.search.on_progress(tell);
        self
    }

    /// Ends the search when this future is ready, as [`LaunchWhenAvailable::stop_when`].
    pub fn stop_when(mut self, done: impl Future<Output = ()> + Send + 'static) -> Self {
        self.search = self.search.stop_when(done);
        self
    }

    /// Launches until the count is reached, or something ends the search.
    ///
    /// # Errors
    ///
    /// Only if nothing was launched: those of
    /// [`launch_when_available`](crate::LambdaCloud::launch_when_available), and
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if the [price limit](Self::price_limit) is too low for each of
    /// the choices. Otherwise such an error is the [`shortfall`](BurstWait::shortfall).
    pub async fn send(self) -> Result<BurstWait, Error> {
        let label = self.client().label("instance_launch", "");
        label.watch(self.sent()).await
    }

    pub(crate) fn client(&self) -> &LambdaCloud {
        self.search.client()
    }

    async fn sent(self) -> Result<BurstWait, Error> {
        if self.count == 0 {
            return Err(Error::invalid("count", "must be at least one"));
        }
        let marker = self.search.marker().clone();
        let (search, mut stop) = self.search.begin()?;
        let mut search = search.price_limit(self.price_limit);
        let mut burst = BurstWait { operations: Vec::new(), shortfall: None };
        for number in 1..=self.count {
            search.mark(marker.numbered(number));
            match search.run(&mut stop).await {
                Ok(operation) => burst.operations.push(operation),
                Err(e) if burst.operations.is_empty() => return Err(e),
                Err(e) => {
                    burst.shortfall = Some(e);
                    break;
                }
            }
        }
        Ok(burst)
    }
}

into_future!(Burst => BurstReport: |burst| Ok(burst.send().await?.await));

/// Launches that were accepted; from [`Burst::send`]. `.await` it for a [`BurstReport`].
///
/// Dropping it changes nothing: the instances boot by themselves.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "the instances boot by themselves, and cost money"]
pub struct BurstWait {
    /// One for each instance, in the order in which they were accepted.
    pub operations: Vec<Operation<Instance>>,
    /// Why there aren't as many as were asked for. If its kind is
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown), there may be one more, with the marker that it names.
    pub shortfall: Option<Error>,
}

impl IntoFuture for BurstWait {
    type Output = BurstReport;
    type IntoFuture = BoxFuture<'static, BurstReport>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut report =
                BurstReport { running: Vec::new(), failed: Vec::new(), shortfall: self.shortfall };
            for result in join_all(self.operations.into_iter().map(IntoFuture::into_future)).await {
                match result {
                    Ok(instance) => report.running.push(instance),
                    Err(e) => report.failed.push(e),
                }
            }
            report
        })
    }
}

/// What became of a [`Burst`].
///
/// `Display` is a line for people: `6 running at $4.50/h, 1 failed: …; no capacity …`.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "it tells what runs and costs money"]
pub struct BurstReport {
    /// Active, and with an address.
    pub running: Vec<Instance>,
    /// Accepted, but not seen to become active. Each may cost money: [`WaitError::ticket`] has its id.
    pub failed: Vec<WaitError>,
    /// Why there aren't as many as were asked for; see [`BurstWait::shortfall`].
    pub shortfall: Option<Error>,
}

impl BurstReport {
    /// Whether all that were asked for run.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.shortfall.is_none()
    }

    /// What those that run cost together.
    pub fn price(&self) -> Price {
        self.running.iter().map(|gpu| gpu.instance_type.price()).sum()
    }
}

impl fmt::Display for BurstReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} running at {}", self.running.len(), self.price())?;
        match self.failed.as_slice() {
            [] => {}
            [one] => write!(f, ", 1 failed: {one}")?,
            [first, ..] => write!(f, ", {} failed, the first: {first}", self.failed.len())?,
        }
        self.shortfall.as_ref().map_or(Ok(()), |e| write!(f, "; {e}"))
    }
}
