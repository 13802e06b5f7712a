//! Files into an instance: content becomes a blob, and the agent copies the blob.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::put::{PERMISSIONS, check_path, put};
use super::ready::ready;
use super::temporary_artifact::TemporaryArtifact;
use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::artifact::Artifact;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::instance::{Instance, InstanceRef};
use crate::stream::transfer::{Content, Tell, Transferred};

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
    /// web.push(windlass::Content::file("motd")).to("/etc/motd").await?;
    /// web.push(b"#!/bin/sh\nexec true\n".to_vec()).mode(0o755).to("/usr/local/bin/nothing").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Waits for the agent first. Content that the cluster already has, by its SHA-512, is not sent again. What is sent
    /// goes in chunks: a broken connection is resumed, and the result is compared with its checksum.
    ///
    /// Meanwhile an artifact holds the content. It is removed, unless [`keep_as`](Push::keep_as) names it. This happens
    /// also after a push that failed or ran out of time, and takes up to 30 seconds more. Dropping a push removes it in
    /// a background task. If it can't be removed, the error of the push names it, and a warning is logged. The server
    /// cleans up the chunks of an upload that was interrupted.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if there is no agent,
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) if the agent can't write the file,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a path that isn't absolute, [`Io`](crate::ErrorKind::Io) if
    /// the content can't be read, [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer is lost and no
    /// event shows the order, those of [every request](crate::ShakenFist#errors), and those of the wait
    /// ([`WaitEnd`](crate::WaitEnd)).
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

impl Push {
    /// The file's permissions (default: `0o644`). The type of file in a whole `st_mode` is ignored.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & PERMISSIONS;
        self
    }

    /// Calls `tell` after each chunk that the server has confirmed. It isn't called if nothing needs to be sent.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long all of it may take, including the wait for the agent (default: an hour).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Keeps the content in the cluster, as an artifact of this name: the next push of it, to any instance, sends
    /// nothing.
    pub fn keep_as(mut self, artifact: impl Into<String>) -> Self {
        self.keep = Some(artifact.into());
        self
    }

    /// Sends it to this absolute path. Done when the file is there.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::push`].
    pub async fn to(self, path: &str) -> Result<(), Error> {
        self.instance.label("agent_put").watch(self.sent(path)).await
    }

    async fn sent(self, path: &str) -> Result<(), Error> {
        let deadline = Deadline::after(self.limit);
        let instance = self.instance.clone();
        check_path(path)?;
        instance.segment()?;
        instance.sf.require("agent_put", "instance-put-blob", "copy files into instances").await?;
        // Before anything is uploaded.
        deadline.limits(ready(&instance)).await?;
        let mode = self.mode;
        if let Some(name) = self.keep.clone() {
            let artifact = self.store(name, None, deadline).await?;
            return put(&instance, artifact.blob_uuid.as_deref().unwrap_or_default(), path, mode, deadline)
                .await;
        }
        let mut temporary = TemporaryArtifact::new(&instance.sf);
        let stored = self.store(temporary.name().to_owned(), Some(temporary.asked()), deadline).await;
        temporary.became(&stored);
        let pushed = match stored {
            Ok(artifact) => {
                put(&instance, artifact.blob_uuid.as_deref().unwrap_or_default(), path, mode, deadline).await
            }
            Err(e) => Err(e),
        };
        temporary.remove(pushed).await
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
