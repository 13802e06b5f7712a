//! The client.

use std::sync::Arc;
use std::time::Duration;

use super::shared_list::SharedList;
use crate::client::Client;
use crate::place::Place;
use crate::raw;
use crate::transport::Label;
use crate::transport::retry::Retry;

/// A client of Lambda Cloud. Cheap to clone; all clones share connections, retry budget and pacing.
///
/// ```no_run
/// use windlass::LambdaCloud;
/// # async fn demo() -> windlass::Result<()> {
/// let lambda = LambdaCloud::discover().await?;
/// let gpu = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").await?;
/// println!("{}", gpu.ssh_command().unwrap_or_default());
/// gpu.terminate().await?;
/// # Ok(()) }
/// ```
///
/// Requests keep to the account's limits, one a second and one launch in twelve, together with all other clients in
/// this process that have the same key.
///
/// Vendor's page: <https://docs.lambda.ai/api/cloud>
///
/// # Errors
///
/// Every request can fail with these kinds of [`ErrorKind`](crate::ErrorKind): `Connect`, `Timeout`, `Interrupted`,
/// `Unavailable` and `Server` if the service can't be reached or fails, `RateLimited`, `Unauthenticated` and
/// `PermissionDenied` if it refuses, `BadReply` and `LimitExceeded` if its answer can't be used, `InvalidInput` and
/// `Rejected` if the request can't be right. The methods name only what comes on top of these.
#[derive(Debug, Clone)]
pub struct LambdaCloud(pub(super) Arc<Core>);

pub(super) struct Core {
    pub(super) raw: raw::lambda_cloud::Client,
    /// Where the key was found, for people.
    pub(super) origin: String,
    pub(super) place: Place,
    /// How often waits look.
    pub(super) interval: Duration,
    pub(super) shared_list: Arc<SharedList>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LambdaCloud").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Client for LambdaCloud {
    fn place(&self) -> Place {
        self.0.place.clone()
    }

    fn address(&self) -> &str {
        self.0.raw.handle.server()
    }
}

impl LambdaCloud {
    /// The same account with another way of repeating failed requests; a cheap handle.
    ///
    /// ```no_run
    /// # use windlass::{LambdaCloud, Retry};
    /// # fn demo(lambda: &LambdaCloud) {
    /// let once = lambda.with(Retry::never());
    /// # let _ = once; }
    /// ```
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        let old = &*self.0;
        Self(Arc::new(Core {
            raw: raw::lambda_cloud::Client { handle: old.raw.handle.with(retry) },
            origin: old.origin.clone(),
            place: old.place.clone(),
            interval: old.interval,
            shared_list: old.shared_list.clone(),
        }))
    }

    /// Every operation of the API, one request each, with the same retries, time limits, pacing, spans and errors.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let instances = lambda.raw().instances_list().send().await?.data;
    /// # let _ = instances; Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::lambda_cloud::Client {
        &self.0.raw
    }

    /// Where the key was found: the setting or the file that holds it.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// For errors that no answer is behind.
    pub(super) fn label(&self, operation: &'static str, object: &str) -> Label {
        self.0.raw.handle.label(operation, object)
    }

    pub(super) fn retry(&self) -> &Retry {
        self.0.raw.handle.retry()
    }
}
