//! Launching whichever of several choices can be had first.

use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::choice::Choice;
use super::search::{Search, Tell};
use super::{Instance, LambdaCloud, Launch, check};
use crate::error::Error;
use crate::wait::{BoxFuture, Operation, Progress};

/// A search for capacity; from [`LambdaCloud::launch_when_available`].
///
/// `.await` it for the instance, or [`send`](Self::send) it for the operation of the launch that was accepted.
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct LaunchWhenAvailable {
    launch: Launch,
    choices: Vec<Choice>,
    deadline: Duration,
    tell: Option<Tell>,
    stop: BoxFuture<'static, ()>,
}

impl fmt::Debug for LaunchWhenAvailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { launch, choices, deadline, .. } = self;
        f.debug_struct("LaunchWhenAvailable")
            .field("launch", launch)
            .field("choices", choices)
            .field("deadline", deadline)
            .finish_non_exhaustive()
    }
}

impl LambdaCloud {
    /// Launches the first of these choices that can be had.
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
    ///     .deadline(Duration::from_secs(3600))
    ///     .on_progress(|p| eprintln!("{p}"))
    ///     .await?;
    /// # let _ = gpu; Ok(()) }
    /// ```
    ///
    /// The list of capacity is only a hint: in each round the listed choices are tried in the order given, then one of
    /// the others; each refusal moves on to the next. A choice whose quota is used up, or which doesn't exist, is given
    /// up. After a round there is a pause of the client's poll interval.
    ///
    /// There is never a second launch before the first is known to have come to nothing: an unknown outcome ends the
    /// search with [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown). At the deadline, an hour if not set, the error
    /// is of [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) with the last refusal's code and with all that was tried. The
    /// deadline is about the search: the wait for the instance has a limit of its own.
    pub fn launch_when_available(&self, choices: impl IntoIterator<Item = Choice>) -> LaunchWhenAvailable {
        LaunchWhenAvailable {
            launch: Launch::new(self, String::new()),
            choices: choices.into_iter().collect(),
            deadline: Duration::from_secs(3600),
            tell: None,
            stop: Box::pin(std::future::pending()),
        }
    }
}

impl LaunchWhenAvailable {
    /// Says what the launch is like apart from its type and region.
    pub fn launch(mut self, say: impl FnOnce(Launch) -> Launch) -> Self {
        self.launch = say(self.launch);
        self
    }

    /// How long to search.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// Calls `tell` for each choice that was tried, with what came of it, and then while the instance boots.
    pub fn on_progress(mut self, tell: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.tell = Some(Arc::new(Mutex::new(tell)));
        self
    }

    /// Ends the search when this is done: at once between two launches, otherwise as soon as it is known what came of
    /// the launch under way. One that was accepted is given back as usual; else the error is of
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    ///
    /// Dropping the search may leave a launch behind that nobody was told of; this doesn't.
    pub fn stop_when(mut self, done: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stop = Box::pin(done);
        self
    }

    /// Searches until a launch is accepted.
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        self.launch.lambda.label("instance_launch").watch(self.searched()).await
    }

    async fn searched(self) -> Result<Operation<Instance>, Error> {
        if self.choices.is_empty() {
            return Err(Error::invalid("choices", "are missing"));
        }
        let named =
            |choice: &Choice| !choice.instance_type.is_empty() && choice.region.as_deref() != Some("");
        if !self.choices.iter().all(named) {
            return Err(Error::invalid("choices", "a type or a region is empty"));
        }
        check::launch(&self.launch.request)?;
        Search::new(self.launch, self.choices, self.deadline, self.tell).run(self.stop).await
    }
}

impl IntoFuture for LaunchWhenAvailable {
    type Output = Result<Instance, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}
