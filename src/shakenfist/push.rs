//! Files into an instance: content becomes a blob, and the agent copies that.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::agent::{order, ready};
use super::agent_operation::{AgentWork, End};
use super::artifact::Artifact;
use super::deadline::Deadline;
use super::temporary_artifact::TemporaryArtifact;
use super::{Instance, InstanceRef, ShakenFist, types};
use crate::Identified;
use crate::error::Error;
use crate::stream::transfer::{Content, Tell, Transferred};
use crate::ticket::Ticket;
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

impl<D: Identified> Instance<D> {
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
    /// where a broken connection left off, and is compared by its checksum.
    ///
    /// The artifact that holds it meanwhile is removed, unless [`keep_as`](Push::keep_as) names it: also after a push that
    /// failed or ran out of time, for which there are up to 30 seconds more, and by a task in the background after one that
    /// was dropped. What can't be removed is named by the error of the push, and in a warning. Chunks of an upload that broke
    /// off are the server's to clear away.
    ///
    /// Waits for the agent first.
    pub fn push(&self, content: impl Into<Content>) -> Push {
        Push {
            instance: self.reference(),
            content: content.into(),
            mode: 0o644,
            limit: Duration::from_secs(3_600),
            keep: None,
            tell: None,
        }
    }
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
    /// [`Error::is_not_found`] where there is no such blob. Waits for the agent first.
    pub fn push_blob(&self, uuid: impl Into<String>) -> PushBlob {
        PushBlob { instance: self.reference(), blob: uuid.into(), mode: 0o644, limit: Operation::<()>::LIMIT }
    }
}

/// A blob to be copied into an instance; from [`Instance::push_blob`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.to(..).await`"]
pub struct PushBlob {
    instance: InstanceRef,
    blob: String,
    mode: u32,
    limit: Duration,
}

impl PushBlob {
    /// The file's permissions (default: `0o644`). Of a whole `st_mode` the permissions count.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & PERMISSIONS;
        self
    }

    /// How long all of it may take, waiting for the agent included (default: ten minutes).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Copies it; done when the file is there.
    pub async fn to(self, path: &str) -> Result<(), Error> {
        self.instance.label("agent_put").watch(self.sent(path)).await
    }

    async fn sent(&self, path: &str) -> Result<(), Error> {
        let (deadline, instance) = (Deadline::after(self.limit), &self.instance);
        check_path(path)?;
        instance.segment()?;
        instance.sf.require("agent_put", "instance-put-blob", "copy files into instances").await?;
        // To an unknown one servers answer 500, and don't say what is wrong.
        deadline.bound(instance.sf.blob(&self.blob).get()).await?;
        put(instance, &self.blob, path, self.mode, deadline).await
    }
}

/// What of a mode isn't the file's type.
const PERMISSIONS: u32 = 0o7777;

fn check_path(path: &str) -> Result<(), Error> {
    match path.starts_with('/') && !path.ends_with('/') {
        true => Ok(()),
        false => Err(Error::invalid("path", format!("{path:?} isn't the absolute path of a file"))),
    }
}

impl Push {
    /// The file's permissions (default: `0o644`). Of a whole `st_mode` the permissions count.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & PERMISSIONS;
        self
    }

    /// Calls `tell` after each chunk that the server has confirmed; never if nothing needs to be sent.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long all of it may take, waiting for the agent included (default: an hour).
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
        self.instance.label("agent_put").watch(self.sent(path)).await
    }

    async fn sent(self, path: &str) -> Result<(), Error> {
        let deadline = Deadline::after(self.limit);
        let instance = self.instance.clone();
        check_path(path)?;
        instance.segment()?;
        instance.sf.require("agent_put", "instance-put-blob", "copy files into instances").await?;
        // Before anything is uploaded in vain.
        deadline.limits(ready(&instance)).await?;
        let mode = self.mode;
        if let Some(name) = self.keep.clone() {
            let artifact = self.store(name, None, deadline).await?;
            return put(&instance, artifact.blob_uuid.as_deref().unwrap_or_default(), path, mode, deadline)
                .await;
        }
        let mut meanwhile = TemporaryArtifact::new(&instance.sf);
        let stored = self.store(meanwhile.name().to_owned(), Some(meanwhile.asked()), deadline).await;
        meanwhile.became(&stored);
        let pushed = match stored {
            Ok(artifact) => {
                put(&instance, artifact.blob_uuid.as_deref().unwrap_or_default(), path, mode, deadline).await
            }
            Err(e) => Err(e),
        };
        meanwhile.remove(pushed).await
    }

    async fn store(
        self,
        name: String,
        asked: Option<Arc<AtomicBool>>,
        deadline: Deadline,
    ) -> Result<Artifact, Error> {
        let sf = &self.instance.sf;
        let typed = sf.can("artifact-upload-types").await;
        let mut upload = sf.upload(self.content).timeout(deadline.left()).telling(asked);
        if let Some(tell) = self.tell {
            upload = upload.on_progress(tell);
        }
        if typed { upload.as_other(name).await } else { upload.as_image(name).await }
    }
}

async fn put(
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
    Ok(deadline.limits(AgentWork::operation(&instance.sf, queued, Placed)).await?)
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
