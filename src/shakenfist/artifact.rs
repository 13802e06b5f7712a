//! Artifacts: names for blobs, and how content becomes one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::deadline::Deadline;
use super::poll::pauses;
use super::types::ArtifactType;
use super::upload::{self, Uploaded};
use super::{ShakenFist, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::{handle, identified};
use crate::stream::Query;
use crate::stream::transfer::{Content, Tell, Transferred};
use crate::transport::checked;
use crate::{Id, Identified};

identified! { types::Artifact: uuid; }

handle! {
    /// An artifact: its data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/artifacts/>
    Artifact<types::Artifact> of sf: ShakenFist;
    /// A handle on an artifact of which only the UUID or the name is known.
    ArtifactRef
}

impl ShakenFist {
    /// The artifacts that the namespace sees: a query.
    pub fn artifacts(&self) -> Query<Artifact> {
        let sf = self.clone();
        Query::one(async move || {
            let items = sf.raw().artifacts_list().send().await?.0.into_iter();
            Ok(items.map(|data| Artifact::new(&sf, data)).collect())
        })
    }

    /// A handle on an artifact by its UUID or name, without a request.
    pub fn artifact(&self, reference: impl Into<String>) -> ArtifactRef {
        Artifact::new(self, Id::new(reference))
    }

    /// Uploads content, to become an artifact that new instances can be made from.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{Disk, ShakenFist};
    /// # async fn demo(sf: ShakenFist) -> windlass::Result<()> {
    /// sf.upload("golden.qcow2").on_progress(|p| eprintln!("{p}")).as_image("golden").await?;
    /// let base = format!("sf://upload/{}/golden", sf.namespace());
    /// let web = sf.launch("web").disk(Disk::from_base(base)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Content that the cluster already has, by its SHA-512, is not sent again. What is sent goes in chunks, and goes on
    /// where a broken connection left off.
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

impl<D: Identified> Artifact<D> {
    /// The UUID, or the name if that is all that is known.
    pub fn id(&self) -> &str {
        self.identity()
    }

    /// Fetches it.
    pub async fn get(&self) -> Result<Artifact, Error> {
        let reference = checked("artifact", self.id())?;
        let data = self.sf.raw().artifact_get().artifact_ref(reference).send().await?;
        Ok(Artifact::new(&self.sf, data))
    }

    /// Deletes it. Its blobs go when nothing else uses them.
    pub async fn delete(&self) -> Result<(), Error> {
        let reference = checked("artifact", self.id())?;
        self.sf.raw().artifact_delete().artifact_ref(reference).send().await.map(drop)
    }
}

/// Content to be uploaded; from [`ShakenFist::upload`].
#[must_use = "nothing is sent before `.as_image(..).await` or `.as_other(..).await`"]
pub struct UploadArtifact {
    sf: ShakenFist,
    content: Content,
    limit: Duration,
    shared: bool,
    reuse: bool,
    tell: Option<Tell>,
    /// Set once the server is asked for the artifact.
    asked: Option<Arc<AtomicBool>>,
}

impl fmt::Debug for UploadArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadArtifact").field("content", &self.content).finish_non_exhaustive()
    }
}

impl UploadArtifact {
    /// Calls `tell` after each chunk that the server has confirmed; never if it needn't be sent.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long all of it may take (default: an hour).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// For all namespaces; only the namespace `system` may.
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    pub(super) fn telling(mut self, asked: Option<Arc<AtomicBool>>) -> Self {
        self.asked = asked;
        self
    }

    /// Sends it even if the cluster has the same bytes already.
    pub fn always_send(mut self) -> Self {
        self.reuse = false;
        self
    }

    /// Makes it an image with this name, or a new version of the one there is.
    pub async fn as_image(self, name: impl Into<String>) -> Result<Artifact, Error> {
        self.store(name.into(), ArtifactType::Image).await
    }

    /// Makes it an artifact that is no image.
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
            match convert(&sf, name, &request, None).await {
                // It went away in the meantime.
                Err(e) if e.is_not_found() => request.blob_uuid = None,
                result => return result,
            }
        }
        let (content, tell) = content;
        let (pieces, _) = content.open().await?;
        let uploaded = upload::upload(&sf, pieces, tell).await?;
        request.upload_uuid = Some(uploaded.uuid.clone());
        asked.store(true, Ordering::Relaxed);
        convert(&sf, name, &request, Some(&uploaded)).await
    }

    /// The UUID of a blob that holds the same already, and the content once more.
    async fn look_for_it(self) -> Result<((Content, Option<Tell>), Option<String>), Error> {
        if !self.reuse || !self.sf.can("blob-search-by-hash").await {
            return Ok(((self.content, self.tell), None));
        }
        // What can be read only once is not read for that.
        if !self.content.is_repeatable() {
            return Ok(((self.content, self.tell), None));
        }
        let (pieces, again) = self.content.open().await?;
        let Some(again) = again else {
            return Err(Error::new(ErrorKind::Io, "the content can't be read twice"));
        };
        let hash = upload::sha512(pieces).await?;
        let found = self.sf.find_blob(&hash).await?;
        Ok(((again, self.tell), found.map(|blob| blob.uuid.clone())))
    }
}

/// Makes an artifact, and checks that the bytes are those that were sent.
async fn convert(
    sf: &ShakenFist,
    name: &str,
    request: &types::ArtifactUpload,
    uploaded: Option<&Uploaded>,
) -> Result<Artifact, Error> {
    let call = sf.raw().artifact_upload().artifact_name(name).body(request.clone()).send();
    // The deadline of the whole bounds it: a checksum of much takes long.
    let artifact = match call.bounded().await {
        Ok(data) => Artifact::new(sf, data),
        Err(e) => match uploaded {
            Some(uploaded) if is_open(&e) => find(sf, name, uploaded, e).await?,
            _ => return Err(e),
        },
    };
    match uploaded {
        Some(uploaded) => compare(sf, &artifact, uploaded).await.map(|()| artifact),
        None => Ok(artifact),
    }
}

/// Whether it may have worked although there is no good answer: computing a checksum takes the server long.
fn is_open(e: &Error) -> bool {
    e.sent() == Sent::Unknown || matches!(e.status(), Some(200..=299 | 502..=504))
}

/// The answer is lost: is there an artifact of that name with those bytes?
async fn find(sf: &ShakenFist, name: &str, uploaded: &Uploaded, lost: Error) -> Result<Artifact, Error> {
    const LOOKS: u32 = 20;
    let mut pauses = pauses();
    for _ in 0..LOOKS {
        tokio::time::sleep(pauses.next()).await;
        if let Ok(artifact) = sf.artifact(name).get().await
            && let Some(blob) = artifact.blob_uuid.clone()
            && let Ok(blob) = sf.blob(&blob).get().await
            && blob.sha512.as_ref() == Some(&uploaded.sha512)
        {
            return Ok(artifact);
        }
    }
    Err(lost)
}

/// By the checksum where the server knows it, else by the size.
async fn compare(sf: &ShakenFist, artifact: &Artifact, uploaded: &Uploaded) -> Result<(), Error> {
    let Some(blob) = artifact.blob_uuid.as_deref() else {
        return Err(damaged("it has no blob"));
    };
    let blob = sf.blob(blob).get().await?;
    if blob.sha512.as_ref().is_some_and(|hash| !hash.eq_ignore_ascii_case(&uploaded.sha512)) {
        return Err(damaged("its checksum differs"));
    }
    if blob.size.is_some_and(|size| u64::try_from(size) != Ok(uploaded.size)) {
        return Err(damaged("its size differs"));
    }
    Ok(())
}

fn damaged(how: &str) -> Error {
    Error::new(ErrorKind::BadReply, format!("what arrived isn't what was sent: {how}"))
        .with(|e| e.sent = Sent::Yes)
}
