//! Clusters: their members, and where new instances go.

use super::{Incus, types};
use crate::error::Error;
use crate::stream::list::{List, Page};
use crate::transport::checked;

impl Incus {
    /// The same server, but what is made through this handle goes to that member of the cluster; a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let n2 = incus.on("n2");
    /// let web = n2.launch("web").image("debian/13").await?;
    /// assert_eq!(web.location, "n2");
    /// web.relocate().member("n3").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Holds for launch, create, copy and import. Instances are found wherever they are, through any member.
    #[must_use]
    pub fn on(&self, member: impl Into<String>) -> Self {
        self.handled(|handle| handle.scoped("target", member.into()))
    }

    /// The members of the cluster, as a stream.
    ///
    /// A server that isn't part of a cluster gives an error of [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    pub fn cluster_members(&self) -> List<types::ClusterMember> {
        let incus = self.clone();
        List::new(move |_| {
            let incus = incus.clone();
            Box::pin(async move { Ok(Page::only(incus.raw().cluster_members_list().send().await?)) })
        })
    }

    /// A member of the cluster: its status, and where its API is. [`Error::is_not_found`] where there is none.
    pub async fn cluster_member(&self, name: &str) -> Result<types::ClusterMember, Error> {
        let name = checked("name", name)?;
        self.raw().cluster_member_get().member(name).send().await
    }
}
