//! Uploading content as an artifact.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::handle::Artifact;
use super::{chunks, created};
use crate::error::{Error, ErrorKind};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::types::{self, ArtifactType};
use crate::stream::transfer::{Content, Tell, Transferred};
use crate::transport::checked;

impl ShakenFist {
    /// Uploads content as an artifact, from which new instances can be made.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{Disk, ShakenFist};
    /// # async fn demo(sf: ShakenFist) -> windlass::Result<()> {
    /// sf.upload(windlass::Content::file("golden.qcow2")).on_progress(|p| eprintln!("{p}")).as_image("golden").await?;
    /// let base = format!("sf://upload/{}/golden", sf.namespace());
    /// let web = sf.launch("web").disk(Disk::from_base(base)).await?;
    /// # let _ = web; Ok(()) }
    /// ```
    ///
    /// Content that the cluster already has, by its SHA-512, is not sent again. What is sent goes in chunks, and a
    /// broken connection is resumed.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if the content can't be read, [`BadReply`](ErrorKind::BadReply) if something else arrived
    /// than was sent, [`Unsupported`](ErrorKind::Unsupported) for an artifact that isn't an image on older servers, and
    /// those of [every request](crate::ShakenFist#errors).
    pub fn upload(&self, content: impl Into<Content>) -> UploadArtifact {
        let limit = Duration::from_secs(3_600);
        UploadArtifact {
            sf: self.clone(),
            content: content.into(),
            limit,
            shared: false,
            reuse: true,
            tell: None,
            asked: None,
        }
    }
}

/// Content to be uploaded as an artifact; from [`ShakenFist::upload`].
#[must_use = "nothing is sent before `.as_image(..).await` or `.as_other(..).await`"]
pub struct UploadArtifact {
    sf: ShakenFist,
    content: Content,
    limit: Duration,
    shared: bool,
    reuse: bool,
    tell: Option<Tell>,
    /// Set when the server is asked to create the artifact.
    asked: Option<Arc<AtomicBool>>,
}

impl fmt::Debug for UploadArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadArtifact").field("content", &self.content).finish_non_exhaustive()
    }
}

impl UploadArtifact {
    /// Calls `tell` after each chunk that the server has confirmed. It isn't called if nothing needs to be sent.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long all of it may take (default: an hour).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// For all namespaces. Only the namespace `system` may do that.
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Sets the flag when the server is asked to create the artifact.
    pub(in crate::shakenfist) fn telling(mut self, asked: Option<Arc<AtomicBool>>) -> Self {
        self.asked = asked;
        self
    }

    /// Sends it even if the cluster has the same bytes already.
    pub fn always_send(mut self) -> Self {
        self.reuse = false;
        self
    }

    /// Makes it an image with this name, or a new version of the image with this name.
    ///
    /// # Errors
    ///
    /// Those of [`ShakenFist::upload`].
    pub async fn as_image(self, name: impl Into<String>) -> Result<Artifact, Error> {
        self.store(name.into(), ArtifactType::Image).await
    }

    /// Makes it an artifact that isn't an image.
    ///
    /// # Errors
    ///
    /// Those of [`ShakenFist::upload`].
    pub async fn as_other(self, name: impl Into<String>) -> Result<Artifact, Error> {
        self.store(name.into(), ArtifactType::Other).await
    }

    async fn store(self, name: String, kind: ArtifactType) -> Result<Artifact, Error> {
        let label = self.sf.label("artifact_upload", &name);
        checked("artifact", &name).map_err(|e| label.on(e))?;
        let stored = Deadline::after(self.limit).bound(self.store_as(&name, kind));
        label.watch(stored).await
    }

    async fn store_as(self, name: &str, kind: ArtifactType) -> Result<Artifact, Error> {
        let (sf, asked) = (self.sf.clone(), self.asked.clone().unwrap_or_default());
        let typed = sf.can("artifact-upload-types").await;
        if !typed && kind != ArtifactType::Image {
            sf.require("artifact_upload", "artifact-upload-types", "make artifacts other than images")
                .await?;
        }
        let mut request = types::ArtifactUpload {
            shared: self.shared.then_some(true),
            artifact_type: typed.then_some(kind),
            ..Default::default()
        };
        let (content, there) = self.look_for_it().await?;
        if let Some(blob) = there {
            request.blob_uuid = Some(blob);
            asked.store(true, Ordering::Relaxed);
            match created::create(&sf, name, &request, None).await {
                // It was removed in the meantime.
                Err(e) if e.is_not_found() => request.blob_uuid = None,
                result => return result,
            }
        }
        let (content, tell) = content;
        let (pieces, _) = content.open().await?;
        let uploaded = chunks::upload(&sf, pieces, tell).await?;
        request.upload_uuid = Some(uploaded.uuid.clone());
        asked.store(true, Ordering::Relaxed);
        created::create(&sf, name, &request, Some(&uploaded)).await
    }

    /// The UUID of a blob that already has the same bytes, and the content again.
    async fn look_for_it(self) -> Result<((Content, Option<Tell>), Option<String>), Error> {
        if !self.reuse || !self.sf.can("blob-search-by-hash").await {
            return Ok(((self.content, self.tell), None));
        }
        // Content that can be read only once isn't read for this.
        if !self.content.is_repeatable() {
            return Ok(((self.content, self.tell), None));
        }
        let (pieces, again) = self.content.open().await?;
        let Some(again) = again else {
            return Err(Error::new(ErrorKind::Io, "the content can't be read twice"));
        };
        let hash = chunks::sha512(pieces).await?;
        let found = self.sf.find_blob(&hash).await?;
        Ok(((again, self.tell), found.map(|blob| blob.uuid.clone())))
    }
}
