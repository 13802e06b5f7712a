//! Launching whichever of several choices is available first.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::capacity_search::{Search, Tell};
use super::choice::Choice;
use super::client::LambdaCloud;
use super::instance::Instance;
use super::launch::Launch;
use crate::error::Error;
use crate::launch_marker::Marker;
use crate::wait::{BoxFuture, Operation, Progress, into_future};

/// A search for capacity; from [`LambdaCloud::launch_when_available`].
///
/// `.await` it for the instance, or [`send`](Self::send) it for the operation of the launch that was accepted.
/// Dropping it may leave a launch behind; [`stop_when`](Self::stop_when) doesn't.
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct LaunchWhenAvailable {
    launch: Launch,
    choices: Vec<Choice>,
    limit: Duration,
    tell: Option<Tell>,
    stop: BoxFuture<'static, ()>,
}

impl fmt::Debug for LaunchWhenAvailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { launch, choices, limit, .. } = self;
        f.debug_struct("LaunchWhenAvailable")
            .field("launch", launch)
            .field("choices", choices)
            .field("search_timeout", limit)
            .finish_non_exhaustive()
    }
}

impl LambdaCloud {
    /// Launches the first of these choices that is available.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use windlass::lambda_cloud::{Choice, LambdaCloud};
    /// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
    /// let gpu = lambda
    ///     .launch_when_available([
    ///         Choice::of("gpu_1x_h100_pcie").in_region("us-west-3"),
    ///         Choice::of("gpu_1x_a10").anywhere(),
    ///     ])
    ///     .launch(|launch| launch.ssh_key("laptop").name("burst"))
    ///     .search_timeout(Duration::from_secs(3600))
    ///     .on_progress(|p| eprintln!("{p}"))
    ///     .await?;
    /// # let _ = gpu; Ok(()) }
    /// ```
    ///
    /// The list of capacity is only a hint: each round tries the listed choices in the order given, then one of the
    /// others, and each refusal moves on to the next. A choice whose quota is used up, or which doesn't exist, is not
    /// tried again. After a round there is a pause of the client's poll interval.
    ///
    /// There is never a second launch before the first is known to have failed.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) at the end of [`search_timeout`](LaunchWhenAvailable::search_timeout), with the code of the last refusal and all that was tried;
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the outcome of a launch is unknown, which ends the search;
    /// [`Cancelled`](crate::ErrorKind::Cancelled) if it was [stopped](LaunchWhenAvailable::stop_when); and those of
    /// [`launch`](Self::launch) that another try won't cure.
    pub fn launch_when_available(&self, choices: impl IntoIterator<Item = Choice>) -> LaunchWhenAvailable {
        LaunchWhenAvailable::of(Launch::new(self, String::new()), choices.into_iter().collect())
    }
}

impl LaunchWhenAvailable {
    /// Sets up the launch, except for its type and region.
    pub fn launch(mut self, set_up: impl FnOnce(Launch) -> Launch) -> Self {
        self.launch = set_up(self.launch);
        self
    }

    /// How long to search; an hour if not set. The wait for the instance has a limit of its own.
    pub fn search_timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Calls `tell` with each choice that was tried and its result, and then while the instance boots.
    pub fn on_progress(mut self, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.tell = Some(Arc::new(Mutex::new(tell)));
        self
    }

    /// Ends the search when this future is ready: at once between two launches, otherwise as soon as the result of the
    /// launch under way is known. A launch that was accepted is returned as usual; otherwise the error is of
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn stop_when(mut self, done: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stop = Box::pin(done);
        self
    }

    /// Searches until a launch is accepted.
    ///
    /// # Errors
    ///
    /// Those of [`LambdaCloud::launch_when_available`], without those of the wait for the instance.
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        self.launch.lambda.label("instance_launch", "").watch(self.searched()).await
    }

    pub(crate) fn client(&self) -> &LambdaCloud {
        &self.launch.lambda
    }

    async fn searched(self) -> Result<Operation<Instance>, Error> {
        let (mut search, mut stop) = self.begin()?;
        search.run(&mut stop).await
    }

    /// The search, once everything is checked, and what stops it.
    pub(super) fn begin(self) -> Result<(Search, BoxFuture<'static, ()>), Error> {
        if self.choices.is_empty() {
            return Err(Error::invalid("choices", "are missing"));
        }
        let named =
            |choice: &Choice| !choice.instance_type.is_empty() && choice.region.as_deref() != Some("");
        if !self.choices.iter().all(named) {
            return Err(Error::invalid("choices", "a type or a region is empty"));
        }
        self.launch.check()?;
        Ok((Search::new(self.launch, self.choices, self.limit, self.tell), self.stop))
    }

    /// The marker of its launch.
    pub(super) fn marker(&self) -> &Marker {
        &self.launch.marker
    }

    /// Searches for one launch that is set up.
    pub(super) fn of(launch: Launch, choices: Vec<Choice>) -> Self {
        let (limit, stop) = (Duration::from_secs(3600), Box::pin(std::future::pending()));
        Self { launch, choices, limit, tell: None, stop }
    }
}

into_future!(LaunchWhenAvailable => Instance: send);
