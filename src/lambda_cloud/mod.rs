//! [Lambda Cloud](https://lambda.ai/): machines with GPUs.

mod board;
mod check;
mod choice;
mod code;
mod connect;
mod discover;
mod file_system;
mod firewall;
mod image;
mod instance;
mod instance_type;
mod instances;
mod launch;
mod presence;
mod reply;
mod restart;
mod resume;
mod search;
mod settle;
mod ssh_key;
mod terminate;
mod when_available;

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::place::Place;
use crate::raw;
use crate::transport::Label;
use crate::transport::retry::Retry;

pub use crate::raw::lambda_cloud::types;
pub use crate::raw::lambda_cloud::types::{InstanceStatus, NetworkProtocol};
pub use choice::Choice;
pub use code::ErrorCode;
pub use connect::Connect;
pub use file_system::NewFileSystem;
pub use firewall::{NewRule, NewRuleset, RulesetChange, rule};
pub use instance::{Instance, InstanceRef, Known, Subject};
pub use instances::Instances;
pub use launch::{Launch, Mount};
pub use resume::Resume;
pub use ssh_key::NewSshKey;
pub use when_available::LaunchWhenAvailable;

/// A client of Lambda Cloud. Cheap to clone; all clones share connections, retry budget and pacing.
///
/// ```no_run
/// use windlass::LambdaCloud;
/// # async fn demo() -> windlass::Result<()> {
/// let lambda = LambdaCloud::discover()?;
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
#[derive(Debug, Clone)]
pub struct LambdaCloud(Arc<Core>);

struct Core {
    raw: raw::lambda_cloud::Client,
    /// Where the key was found, for people.
    origin: String,
    place: Place,
    /// How often waits look.
    interval: Duration,
    board: Arc<board::Board>,
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
            board: old.board.clone(),
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
    fn label(&self, operation: &'static str) -> Label {
        self.0.raw.handle.label(operation, "")
    }

    fn retry(&self) -> &Retry {
        self.0.raw.handle.retry()
    }
}
