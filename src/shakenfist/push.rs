//! Files into an instance: content becomes a blob, and the agent copies that.

use std::fmt;
use std::time::Duration;

use super::agent::order;
use super::agent_operation::{AgentWork, End};
use super::artifact::Artifact;
use super::clock::Deadline;
use super::reply::open;
use super::{Instance, InstanceRef, ShakenFist, Subject, types};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::transfer::{Content, Tell, Transferred};
use crate::wait::{BoxFuture, Operation};

/// Content to be pushed; from [`Instance::push`].
#[must_use = "nothing is sent before `.to(..).await`"]
pub struct Push {
    instance: InstanceRef,
    content: Content,
    mode: u32,
    limit: Duration,
    keep: Option<String>,
    tell: Option<Tell>,
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push").field("content", &self.content).finish_non_exhaustive()
    }
}

impl<D: Subject> Instance<D> {
    /// Pushes a file or bytes into the instance, in constant memory.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.push("motd").to("/etc/motd").await?;
    /// web.push(b"#!/bin/sh\nexec true\n".to_vec()).mode(0o755).to("/usr/local/bin/nothing").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Content that the cluster already has, by its SHA-512, is not sent again. What is sent goes in chunks, goes on
    /// where a broken connection left off, and is compared by its checksum. The artifact that holds it meanwhile is
    /// removed, unless [`keep_as`](Push::keep_as) names it.
    ///
    /// Waits for the agent first.
    pub fn push(&self, content: impl Into<Content>) -> Push {
        Push {
            instance: self.named(),
            content: content.into(),
            mode: 0o644,
            limit: Duration::from_secs(3_600),
            keep: None,
            tell: None,
        }
    }
}

impl Push {
    /// The file's permissions; `0o644` if not said.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Calls `tell` after each chunk that the server has confirmed; never if nothing needs to be sent.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long all of it may take, waiting for the agent included; an hour if not said.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Keeps the content in the cluster as an artifact of this name: the next push of it, to any instance, sends nothing.
    pub fn keep_as(mut self, artifact: impl Into<String>) -> Self {
        self.keep = Some(artifact.into());
        self
    }

    /// Sends it; done when the file is there.
    pub async fn to(self, path: &str) -> Result<(), Error> {
        let deadline = Deadline::after(self.limit);
        let instance = self.instance.clone();
        if !path.starts_with('/') || path.ends_with('/') {
            return Err(Error::invalid("path", format!("{path:?} isn't the absolute path of a file")));
        }
        if self.mode > 0o7777 {
            return Err(Error::invalid("mode", format!("{:o} is more than permissions", self.mode)));
        }
        instance.segment()?;
        instance.sf.require("instance-put-blob", "copy files into instances").await?;
        // Before anything is uploaded in vain.
        instance.agent_ready().timeout(deadline.left()).await?;
        let (mode, keep) = (self.mode, self.keep.is_some());
        let artifact = self.store(deadline).await?;
        let put = put(&instance, &artifact, path, mode, deadline).await;
        if !keep && let Err(e) = deadline.bound(artifact.delete()).await {
            tracing::warn!(error = %e, artifact = artifact.uuid, "the artifact of a push can't be removed");
        }
        put
    }

    async fn store(self, deadline: Deadline) -> Result<Artifact, Error> {
        let sf = &self.instance.sf;
        // Two pushes at once must not take each other's blob away.
        let name = self.keep.unwrap_or_else(|| format!("windlass-push-{:016x}", rand::random::<u64>()));
        let typed = sf.can("artifact-upload-types").await;
        let mut upload = sf.upload(self.content).timeout(deadline.left());
        if let Some(tell) = self.tell {
            upload = upload.on_progress(tell);
        }
        if typed { upload.as_other(name).await } else { upload.as_image(name).await }
    }
}

async fn put(
    instance: &InstanceRef,
    artifact: &Artifact,
    path: &str,
    mode: u32,
    deadline: Deadline,
) -> Result<(), Error> {
    let reference = &instance.segment()?;
    let request = &types::AgentPut {
        blob_uuid: artifact.blob_uuid.clone().unwrap_or_default(),
        path: path.to_owned(),
        mode: i64::from(mode),
    };
    let queued = order(instance, deadline, |id| async move {
        let call = instance.sf.call();
        call.request_id(&id);
        let result = call.agent_put().instance_ref(reference.clone()).body(request.clone()).send().await;
        open(&call, result).await
    });
    let queued = queued.await?;
    Ok(AgentWork::operation(&instance.sf, queued, Placed).timeout(deadline.left()).await?)
}

/// A file is in place.
struct Placed;

impl End for Placed {
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

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    AgentWork::resume(sf, ticket, Placed)
}
