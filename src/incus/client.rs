//! The client: a server, a project, and what all clones share.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

use crate::client::Client;
use crate::incus::connect::identity::Identity;
use crate::incus::events::subscriptions::Feeds;
use crate::place::{Place, Server};
use crate::raw;
use crate::transport::retry::Retry;
use crate::transport::{Handle, Label};

/// With this many long polls open, further waits share the events connection.
pub(super) const POLLS: usize = 3;

/// A client of an Incus server. Cheap to clone; all clones share connections, retry budget and events.
///
/// ```no_run
/// use windlass::incus::Incus;
/// # async fn demo() -> windlass::Result<()> {
/// let incus = Incus::discover().await?;
/// let web = incus.launch("web").image("images:debian/13").cpus(2).memory("2GiB").await?;
/// let kernel = web.exec(["uname", "-r"]).output().await?.success()?;
/// println!("{} runs {}", web.name, kernel.stdout_text());
/// web.delete().force().await?;
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/rest-api/>
#[derive(Debug, Clone)]
pub struct Incus(pub(super) Arc<Core>);

pub(super) struct Core {
    /// Adds the project to each call, and the cluster member to those that make an instance.
    pub(super) raw: raw::incus::Client,
    /// Where the server was found, for people.
    pub(super) origin: String,
    /// Which server it is, for tickets.
    pub(super) server: Server,
    /// How a remote server knows this client.
    pub(super) identity: Option<Identity>,
    pub(super) feeds: Arc<Feeds>,
    /// Each wait by a long poll of its own holds one of few permits.
    pub(super) polls: Arc<Semaphore>,
    /// A command that starts holds one of few permits until its streams are connected.
    pub(super) starting: Arc<Semaphore>,
    /// Whether the server's PATCH leaves the description alone: asked once, when it matters.
    pub(super) patches_well: Arc<OnceCell<bool>>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incus")
            .field("origin", &self.origin)
            .field("project", &self.raw.handle.scope("project"))
            .finish_non_exhaustive()
    }
}

impl Client for Incus {
    fn place(&self) -> Place {
        let scope = format!("project:{}", self.own_project().unwrap_or("default"));
        Place { api: "incus", server: self.0.server.clone(), scope }
    }

    fn address(&self) -> &str {
        self.0.raw.handle.server()
    }
}

impl Incus {
    /// The same server with another way of repeating failed requests; a cheap handle.
    ///
    /// ```no_run
    /// # use windlass::{Retry, incus::Incus};
    /// # fn demo(incus: &Incus) {
    /// let once = incus.with(Retry::never());
    /// # let _ = once; }
    /// ```
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        self.handled(|handle| handle.with(retry))
    }

    /// The same server, another project; a cheap handle.
    #[must_use]
    pub fn project(&self, name: impl Into<String>) -> Self {
        self.handled(|handle| handle.scoped("project", name.into()))
    }

    /// Every operation of the API, one request each, with the same retries, limits, spans and errors.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::incus::Incus) -> windlass::Result<()> {
    /// let web = incus.raw().instance_get().name("web").send().await?;
    /// # Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::incus::Client {
        &self.0.raw
    }

    /// Where the server was found: a path, a URL or the setting that named it.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The certificate that this client shows to a remote server, and its key; none on this machine.
    ///
    /// After [`Connect::join`](super::Connect::join) without an identity it is the one that was made for this: save it
    /// to come back.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    pub(super) fn handled(&self, change: impl FnOnce(&Handle) -> Handle) -> Self {
        self.changed(|core| core.raw.handle = change(&core.raw.handle))
    }

    pub(super) fn changed(&self, change: impl FnOnce(&mut Core)) -> Self {
        let old = &*self.0;
        let mut core = Core {
            raw: old.raw.clone(),
            origin: old.origin.clone(),
            server: old.server.clone(),
            identity: old.identity.clone(),
            feeds: old.feeds.clone(),
            polls: old.polls.clone(),
            starting: old.starting.clone(),
            patches_well: old.patches_well.clone(),
        };
        change(&mut core);
        Self(Arc::new(core))
    }

    /// For errors without an answer of the server.
    pub(super) fn label(&self, operation: &'static str, object: impl Into<String>) -> Label {
        self.0.raw.handle.label(operation, object)
    }

    pub(crate) fn own_project(&self) -> Option<&str> {
        self.0.raw.handle.scope("project")
    }
}
