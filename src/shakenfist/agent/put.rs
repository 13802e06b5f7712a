//! Copying a blob into an instance.

use std::time::Duration;

use super::operation_goal::{OperationEnded, Purpose};
use super::order::order;
use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::instance::{Instance, InstanceRef};
use crate::shakenfist::types;
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation};

/// A blob to be copied into an instance; from [`Instance::push_blob`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.to(..).await`"]
pub struct PushBlob {
    instance: InstanceRef,
    blob: String,
    mode: u32,
    limit: Duration,
}

impl<D: Identified> Instance<D> {
    /// Copies a blob that the cluster already has into the instance.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance, blob: &str) -> windlass::Result<()> {
    /// web.push_blob(blob).mode(0o600).to("/etc/key").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Waits for the agent first.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such blob, and those of [`push`](Self::push).
    #[doc(alias = "put_blob")]
    pub fn push_blob(&self, uuid: impl Into<String>) -> PushBlob {
        let (instance, blob) = (self.reference(), uuid.into());
        PushBlob { instance, blob, mode: 0o644, limit: Operation::<()>::LIMIT }
    }
}

impl PushBlob {
    /// The file's permissions (default: `0o644`). The type of file in a whole `st_mode` is ignored.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & PERMISSIONS;
        self
    }

    /// How long all of it may take, including the wait for the agent (default: ten minutes).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Copies it to this absolute path. Done when the file is there.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::push_blob`].
    pub async fn to(self, path: &str) -> Result<(), Error> {
        self.instance.label("agent_put").watch(self.sent(path)).await
    }

    async fn sent(&self, path: &str) -> Result<(), Error> {
        let (deadline, instance) = (Deadline::after(self.limit), &self.instance);
        check_path(path)?;
        instance.segment()?;
        instance.sf.require("agent_put", "instance-put-blob", "copy files into instances").await?;
        // Servers answer 500 for an unknown blob, and don't say what is wrong.
        deadline.bound(instance.sf.blob(&self.blob).get()).await?;
        put(instance, &self.blob, path, self.mode, deadline).await
    }
}

/// The part of a mode that isn't the type of file.
pub(super) const PERMISSIONS: u32 = 0o7777;

pub(super) fn check_path(path: &str) -> Result<(), Error> {
    match path.starts_with('/') && !path.ends_with('/') {
        true => Ok(()),
        false => Err(Error::invalid("path", format!("{path:?} isn't the absolute path of a file"))),
    }
}

/// Has the agent copy a blob to a path.
pub(super) async fn put(
    instance: &InstanceRef,
    blob: &str,
    path: &str,
    mode: u32,
    deadline: Deadline,
) -> Result<(), Error> {
    let reference = instance.segment()?;
    let request = types::AgentPut::new(blob, mode, path);
    let call = || instance.sf.raw().agent_put().instance_ref(reference).body(request.clone()).send();
    let queued = order(instance, deadline, call).await?;
    Ok(deadline.limits(OperationEnded::operation(&instance.sf, queued, Placed)).await?)
}

/// A file is in place.
struct Placed;

impl Purpose for Placed {
    type Output = ();
    const KIND: &'static str = "put";

    fn result<'a>(
        &'a mut self,
        _: &'a ShakenFist,
        _: types::AgentOperation,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

pub(in crate::shakenfist) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    OperationEnded::resume(sf, ticket, Placed)
}
