//! Copies on the same server or cluster.

use crate::handle::Identified;
use crate::incus::{Instance, Launch, Snapshot};

impl<D: Identified> Instance<D> {
    /// Copies it, with its snapshots, on this server or cluster. The copy isn't started.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let twin = web.copy("web-2").instance_only().config("user.role", "twin").await?;
    /// let elsewhere = web.copy("web-3").target("n2").start().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Into another project: `incus.project("blue").create("web-2").copy_of(&web)`. As safe as a launch: see
    /// [`Launch`].
    ///
    /// # Errors
    ///
    /// Those of [`Launch`].
    pub fn copy(&self, to: impl Into<String>) -> Launch {
        self.incus.create(to).copy_of(self)
    }
}

impl<D: Identified> Snapshot<D> {
    /// Makes a new instance of it, on this server or cluster; it isn't started. As safe as a launch: see [`Launch`].
    ///
    /// # Errors
    ///
    /// Those of [`Launch`].
    pub fn copy(&self, to: impl Into<String>) -> Launch {
        self.instance.incus.create(to).copy_of(self)
    }
}
