//! Files out of an instance: the agent copies one into a blob, and the blob is read.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::operation_goal::{OperationEnded, Purpose, incomplete};
use super::order::order;
use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::blob::BlobSource;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::instance::{Instance, InstanceRef};
use crate::shakenfist::types;
use crate::stream::transfer::{self, Download, Tell, Transferred};
use crate::wait::{BoxFuture, Operation};

/// A file to be pulled; from [`Instance::pull`].
#[must_use = "nothing is sent before `.to(..).await`, `.to_writer(..).await`, `.bytes().await` or `.stream().await`"]
pub struct Pull {
    instance: InstanceRef,
    path: String,
    limit: Duration,
    idle: Option<Duration>,
    most: Option<u64>,
    mode: Option<u32>,
    tell: Option<Tell>,
}

impl fmt::Debug for Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<D: Identified> Instance<D> {
    /// Pulls a file out of the instance, in constant memory. A broken connection is resumed, and the bytes are compared
    /// with their checksum.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.pull("/var/log/syslog").on_progress(|p| eprintln!("{p}")).to("syslog").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Waits for the agent first.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if there is no agent,
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) if the agent can't read the file,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a path that isn't absolute,
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) for a file that is too large, [`Io`](crate::ErrorKind::Io) if
    /// it can't be written here, those of [every request](crate::ShakenFist#errors), and those of the wait
    /// ([`WaitEnd`](crate::WaitEnd)).
    pub fn pull(&self, path: impl Into<String>) -> Pull {
        let (instance, path) = (self.reference(), path.into());
        Pull { instance, path, limit: Operation::<()>::LIMIT, idle: None, most: None, mode: None, tell: None }
    }
}

impl Pull {
    /// How long the agent may take to copy the file, including the wait for the agent (default: ten minutes).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Calls `tell` after each piece that arrives.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long the server may send nothing (default: a minute).
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle = Some(limit);
        self
    }

    /// The largest file to accept, in bytes. A larger one is an error of
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), and nothing of it is kept.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.most = Some(bytes);
        self
    }

    /// With [`to`](Self::to): the permissions of the file, for example `0o600`. By default it gets those of the file
    /// that it replaces, or those of any new file: the agent doesn't say which it has in the instance.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Writes it to a file, which appears when it is complete. Anything other than a regular file is never replaced.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::pull`].
    pub async fn to(self, path: impl AsRef<Path>) -> Result<Transferred, Error> {
        self.blob().await?.to(path).await
    }

    /// Writes it to a writer, and flushes that. A pull that fails has written a part.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::pull`].
    pub async fn to_writer(self, writer: impl AsyncWrite + Unpin + Send) -> Result<Transferred, Error> {
        self.blob().await?.to_writer(writer).await
    }

    /// Collects it in memory, up to 64 MiB or the [`max_size`](Self::max_size).
    ///
    /// # Errors
    ///
    /// Those of [`Instance::pull`].
    pub async fn bytes(self) -> Result<Bytes, Error> {
        self.blob().await?.bytes().await
    }

    /// Reads it as a stream.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::pull`].
    pub async fn stream(self) -> Result<Download, Error> {
        self.blob().await?.stream().await
    }

    /// Has the agent copy the file into a blob.
    async fn blob(self) -> Result<transfer::Pull, Error> {
        self.instance.label("agent_get").watch(self.copied()).await
    }

    async fn copied(self) -> Result<transfer::Pull, Error> {
        let deadline = Deadline::after(self.limit);
        let (instance, path) = (&self.instance, &self.path);
        if !path.starts_with('/') {
            return Err(Error::invalid("path", format!("{path:?} isn't absolute")));
        }
        let reference = instance.segment()?;
        instance.sf.require("agent_get", "instance-get", "copy files out of instances").await?;
        let request = types::AgentGet::new(path);
        let call = || instance.sf.raw().agent_get().instance_ref(reference).body(request.clone()).send();
        let queued = order(instance, deadline, call).await?;
        let copied = deadline.limits(OperationEnded::operation(&instance.sf, queued, Copied));
        let mut pull = BlobSource::whole(&instance.sf, copied.await?).pull();
        if let Some(limit) = self.idle {
            pull = pull.idle_timeout(limit);
        }
        if let Some(bytes) = self.most {
            pull = pull.max_size(bytes);
        }
        if let Some(mode) = self.mode {
            pull = pull.mode(mode);
        }
        Ok(match self.tell {
            Some(tell) => pull.on_progress(tell),
            None => pull,
        })
    }
}

/// A file is in a blob.
struct Copied;

impl Purpose for Copied {
    type Output = String;
    const KIND: &'static str = "get";

    fn result<'a>(
        &'a mut self,
        _: &'a ShakenFist,
        done: types::AgentOperation,
    ) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move {
            let blob = done.results.get("0").and_then(|result| result.content_blob.clone());
            blob.ok_or_else(|| incomplete("the file's blob"))
        })
    }
}
