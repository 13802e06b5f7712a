//! Clusters: their members, and where new instances go.

use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::{Incus, types};
use crate::stream::query::Query;
use crate::transport::checked;

handle! {
    /// A member of a cluster: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// for member in incus.cluster_members().await? {
    ///     println!("{} at {}", member.name(), member.url);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/explanation/clustering/>
    ClusterMember<types::ClusterMember> of incus: Incus;
    /// A handle on a member of which only the name is known; from [`Incus::cluster_member`].
    ClusterMemberRef
}

identified! {
    types::ClusterMember: server_name;
}

impl Incus {
    /// A client for the same server that puts new instances on this member of the cluster; a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let n2 = incus.on("n2");
    /// let web = n2.launch("web").image("images:debian/13").await?;
    /// assert_eq!(web.location, "n2");
    /// web.relocate().member("n3").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// It applies to launch, create, copy and import. Existing instances are found on every member.
    #[must_use]
    pub fn on(&self, member: impl Into<String>) -> Self {
        self.handled(|handle| handle.scoped("target", member.into()))
    }

    /// The members of the cluster.
    ///
    /// A server outside of a cluster answers with an error of
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    pub fn cluster_members(&self) -> Query<ClusterMember> {
        let incus = self.clone();
        Query::one(async move {
            let all = incus.raw().cluster_members_list().send().await?;
            Ok(all.into_iter().map(|data| ClusterMember::new(&incus, data)).collect())
        })
    }

    /// A handle on a member of the cluster, without a request.
    pub fn cluster_member(&self, name: impl Into<String>) -> ClusterMemberRef {
        ClusterMember::new(self, Id::new(name))
    }
}

impl<D: Identified> ClusterMember<D> {
    /// The name.
    pub fn name(&self) -> &str {
        self.data.identity()
    }

    /// Reads its status, and where its API is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none,
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) outside of a cluster.
    pub async fn get(&self) -> Result<ClusterMember, Error> {
        let name = checked("name", self.name())?;
        let data = self.incus.raw().cluster_member_get().member(name).send().await?;
        Ok(ClusterMember::new(&self.incus, data))
    }
}
