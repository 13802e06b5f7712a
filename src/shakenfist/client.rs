//! The client.

use std::sync::Arc;

use futures_util::TryStreamExt;

use super::capability::Capabilities;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::place::Place;
use crate::raw;
use crate::transport::Label;
use crate::transport::retry::Retry;

/// A client of a Shaken Fist cluster. Cheap to clone; all clones share connections, token and retry budget.
///
/// ```no_run
/// use windlass::shakenfist::{Disk, ShakenFist};
/// # async fn demo() -> windlass::Result<()> {
/// let sf = ShakenFist::discover().await?;
/// let web = sf.launch("web").cpus(1).memory_mib(1024).disk(Disk::from_base("debian:12").size_gb(20)).await?;
/// let kernel = web.exec("uname -r").output().await?.success()?;
/// println!("{} runs {}", web.name, kernel.stdout_text());
/// web.delete().await?;
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/>
///
/// # Errors
///
/// Every request can fail with these kinds of [`ErrorKind`]: `Connect`, `Timeout`, `Interrupted`, `Unavailable` and
/// `Server` if the cluster can't be reached or fails, `Unauthenticated` and `PermissionDenied` if it refuses,
/// `BadReply` and `LimitExceeded` if its answer can't be used, `InvalidInput` and `Rejected` if the request can't be
/// right, `NotFound` if there is no such thing, `Unsupported` if the server's version lacks the call. The methods name
/// only what comes on top of these.
#[derive(Debug, Clone)]
pub struct ShakenFist(Arc<Core>);

/// What all clones share.
pub(super) struct Core {
    pub(super) raw: raw::shakenfist::Client,
    /// For what needs no token.
    pub(super) open: raw::shakenfist::Client,
    /// Where the cluster was found, for people to read.
    pub(super) origin: String,
    pub(super) namespace: String,
    pub(super) place: Place,
    pub(super) capabilities: Arc<tokio::sync::OnceCell<Capabilities>>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShakenFist")
            .field("origin", &self.origin)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Client for ShakenFist {
    fn place(&self) -> Place {
        self.0.place.clone()
    }

    fn address(&self) -> &str {
        self.0.raw.handle.server()
    }
}

impl ShakenFist {
    pub(super) fn new(core: Core) -> Self {
        Self(Arc::new(core))
    }

    /// The same cluster, with another way of repeating failed requests. A cheap handle.
    ///
    /// ```no_run
    /// # use windlass::{Retry, shakenfist::ShakenFist};
    /// # fn demo(sf: &ShakenFist) {
    /// let once = sf.with(Retry::never());
    /// # let _ = once; }
    /// ```
    #[must_use]
    pub fn with(&self, retry: Retry) -> Self {
        let old = &*self.0;
        Self(Arc::new(Core {
            raw: raw::shakenfist::Client { handle: old.raw.handle.with(retry.clone()) },
            open: raw::shakenfist::Client { handle: old.open.handle.with(retry) },
            origin: old.origin.clone(),
            namespace: old.namespace.clone(),
            place: old.place.clone(),
            capabilities: old.capabilities.clone(),
        }))
    }

    /// Every operation of the API, one request each, with the same token, retries, time limits, spans and errors.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let web = sf.raw().instance_get().instance_ref("web").send().await?;
    /// # let _ = web; Ok(()) }
    /// ```
    pub fn raw(&self) -> &raw::shakenfist::Client {
        &self.0.raw
    }

    /// Where the cluster was found: a URL, or the setting that named it.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The namespace that the key belongs to.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// For errors without an answer.
    pub(super) fn label(&self, operation: &'static str, object: &str) -> Label {
        self.0.raw.handle.label(operation, object)
    }

    /// Like [`raw`](Self::raw), without a token.
    fn open(&self) -> &raw::shakenfist::Client {
        &self.0.open
    }

    /// What the server can do. Asked for once, then remembered.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// if sf.capabilities().await?.has("instance-screenshot") {
    ///     println!("{} can take pictures of screens", sf.origin());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// A call that the server lacks fails with [`Unsupported`](ErrorKind::Unsupported) before it is sent.
    ///
    /// # Errors
    ///
    /// Those of [every request](crate::ShakenFist#errors).
    pub async fn capabilities(&self) -> Result<&Capabilities, Error> {
        self.0.capabilities.get_or_try_init(|| self.read_capabilities()).await
    }

    async fn read_capabilities(&self) -> Result<Capabilities, Error> {
        const MOST: usize = 256 * 1024;
        let mut page = self.open().root().send().await?;
        let mut text = Vec::new();
        let read = async {
            while let Some(piece) = page.try_next().await? {
                text.extend_from_slice(&piece);
                if text.len() > MOST {
                    break;
                }
            }
            Ok::<_, Error>(())
        };
        let limit = std::time::Duration::from_secs(30);
        match tokio::time::timeout(limit, read).await {
            Ok(Ok(())) => Ok(Capabilities::read(&String::from_utf8_lossy(&text))),
            Ok(Err(e)) => Err(e),
            Err(_) => Err(page.facts().bad_reply("the list of capabilities doesn't end")),
        }
    }

    /// Fails unless the server has this capability. A page without a list says nothing, so nothing is refused.
    pub(super) async fn require(&self, operation: &'static str, word: &str, what: &str) -> Result<(), Error> {
        let known = self.capabilities().await?;
        if known.is_unknown() || known.has(word) {
            return Ok(());
        }
        let message = format!("this server can't {what}: it has no capability {word:?}");
        Err(self.label(operation, "").on(Error::new(ErrorKind::Unsupported, message)))
    }

    /// Whether the server has this capability.
    pub(super) async fn can(&self, word: &str) -> bool {
        self.capabilities().await.is_ok_and(|known| known.has(word))
    }
}
