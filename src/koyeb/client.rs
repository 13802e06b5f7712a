//! The client.

use std::sync::Arc;

use crate::client::Client;
use crate::place::Place;
use crate::raw;
use crate::transport::Label;
use crate::transport::retry::Retry;

/// A client of Koyeb. Cheap to clone; all clones share connections and retry budget.
///
/// ```no_run
/// use windlass::koyeb::{InstanceStatus, Koyeb};
/// # async fn demo() -> windlass::Result<()> {
/// let koyeb = Koyeb::discover().await?;
/// let mut healthy = koyeb.instances().status(InstanceStatus::Healthy).stream();
/// while let Some(instance) = healthy.try_next().await? {
///     let kernel = instance.exec(["uname", "-r"]).output().await?.success()?;
///     println!("{} in {} runs {}", instance.id, instance.region, kernel.stdout_text());
/// }
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://www.koyeb.com/docs/reference/api>
///
/// # Errors
///
/// Every request can fail with these kinds of [`ErrorKind`](crate::ErrorKind): `Connect`, `Timeout`, `Interrupted`,
/// `Unavailable` and `Server` if the service can't be reached or fails, `RateLimited`, `Unauthenticated` and
/// `PermissionDenied` if it refuses, `BadReply` and `LimitExceeded` if its answer can't be used, `InvalidInput` and
/// `Rejected` if the request can't be right. The methods name only what comes on top of these.
#[derive(Clone)]
pub struct Koyeb(pub(super) Arc<Core>);

pub(super) struct Core {
    pub(super) raw: raw::koyeb::Client,
    /// Where the token was found, for people.
    pub(super) origin: String,
    pub(super) place: Place,
}

impl std::fmt::Debug for Koyeb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (url, origin) = (self.0.raw.handle.base(), &self.0.origin);
        f.debug_struct("Koyeb").field("url", &url).field("origin", origin).finish_non_exhaustive()
    }
}

impl Client for Koyeb {
    fn place(&self) -> Place {
        self.0.place.clone()
    }

    fn address(&self) -> &str {
        self.0.raw.handle.server()
    }
}

impl Koyeb {
    /// The same service with another way of repeating failed requests; a cheap handle.
    ///
    /// ```no_run
    /// # use windlass::{Koyeb, Retry};
    /// # fn demo(koyeb: &Koyeb) {
    /// let once = koyeb.with(Retry::never());
    /// # let _ = once; }
    /// ```
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        let raw = raw::koyeb::Client { handle: self.0.raw.handle.with(retry) };
        Self(Arc::new(Core { raw, origin: self.0.origin.clone(), place: self.0.place.clone() }))
    }

    /// Every operation of the API, one request each, with the same retries, time limits, spans and errors.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let instance = koyeb.raw().get_instance().id("2f1c").send().await?;
    /// # let _ = instance; Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::koyeb::Client {
        &self.0.raw
    }

    /// Where the token was found: a variable, a file, or the call that it was given to.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// For errors that no answer is behind.
    pub(super) fn label(&self, operation: &'static str, object: &str) -> Label {
        self.0.raw.handle.label(operation, object)
    }
}
