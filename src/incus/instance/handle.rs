//! An instance: what is known of it together with a handle on it.

use http::header::ETAG;

use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::{Incus, Status, types};
use crate::transport::Label;

handle! {
    /// An instance: typed data together with a cheap handle.
    ///
    /// The data are fields, reached directly; the verbs are methods:
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let web = incus.instance("web").get().await?;
    /// println!("{} is {} since {:?}", web.name, web.status, web.last_used_at);
    /// web.restart().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// `D` says how much is known: [`types::Instance`] by default, [`types::InstanceFull`], or only the name
    /// ([`Id`]). All of them have the same verbs. The data are a snapshot of the moment at which they were read.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/instances/>
    Instance<types::Instance> of incus: Incus;
    /// A handle on an instance of which only the name is known; from [`Incus::instance`].
    InstanceRef
}

identified! {
    types::Instance: name;
    types::InstanceFull: name;
}

impl Incus {
    /// A handle on an instance, without a request.
    ///
    /// An impossible name is an error of the first call, before anything is sent.
    pub fn instance(&self, name: impl Into<String>) -> InstanceRef {
        Instance::new(self, Id::new(name))
    }
}

impl<D: Identified> Instance<D> {
    /// The name.
    pub fn name(&self) -> &str {
        self.data.identity()
    }

    /// Reads the instance.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn get(&self) -> Result<Instance, Error> {
        Ok(Instance::new(&self.incus, self.incus.raw().instance_get().name(self.name()).send().await?))
    }

    /// The instance, and the ETag of this very state of it.
    pub(in crate::incus) async fn get_with_etag(&self) -> Result<(Instance, Option<String>), Error> {
        let request = self.incus.raw().instance_get().name(self.name());
        let (data, head) = request.send().with_head().await?;
        let etag = head.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        Ok((Instance::new(&self.incus, data), etag))
    }

    /// Reads the instance with its state, snapshots and backups: one request, but a slow one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn get_full(&self) -> Result<Instance<types::InstanceFull>, Error> {
        Ok(Instance::new(&self.incus, self.incus.raw().instance_get_full().name(self.name()).send().await?))
    }

    /// Reads the run-time state: addresses, memory, CPU and disk use.
    ///
    /// Memory and disk are in bytes, CPU in nanoseconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance.
    pub async fn get_state(&self) -> Result<types::InstanceState, Error> {
        self.incus.raw().instance_state_get().name(self.name()).send().await
    }

    /// For errors without an answer of the server.
    pub(in crate::incus) fn label(&self, operation: &'static str) -> Label {
        self.incus.label(operation, self.name())
    }

    /// The same, about a part of it.
    pub(in crate::incus) fn label_part(&self, operation: &'static str, part: &str) -> Label {
        self.incus.label(operation, format!("{}/{part}", self.name()))
    }
}

/// Whether an instance runs, ready or not.
pub(in crate::incus) fn runs(status: &Status) -> bool {
    matches!(status, Status::Running | Status::Ready)
}
