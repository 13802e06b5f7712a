//! Creating an artifact from an upload or a blob, and checking what arrived.

use super::chunks::Uploaded;
use super::handle::Artifact;
use crate::error::{Error, ErrorKind, Sent};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::poll::pauses;
use crate::shakenfist::types;

/// Creates an artifact, and checks that its bytes are those that were sent.
pub(super) async fn create(
    sf: &ShakenFist,
    name: &str,
    request: &types::ArtifactUpload,
    uploaded: Option<&Uploaded>,
) -> Result<Artifact, Error> {
    let call = sf.raw().artifact_upload().artifact_name(name).body(request.clone()).send();
    // The deadline of the whole upload bounds this: the checksum of a large file takes long.
    let artifact = match call.bounded().await {
        Ok(data) => Artifact::new(sf, data),
        Err(e) => match uploaded {
            Some(uploaded) if is_open(&e) => find(sf, name, uploaded, e).await?,
            _ => return Err(e),
        },
    };
    match uploaded {
        // The artifact exists, whatever becomes of this.
        Some(uploaded) => {
            let compared = compare(sf, &artifact, uploaded).await;
            compared.map(|()| artifact).map_err(|e| e.with(|e| e.took_effect()))
        }
        None => Ok(artifact),
    }
}

/// Whether the server may have done it, although there is no good answer: it takes long to compute a checksum.
fn is_open(e: &Error) -> bool {
    e.sent() == Sent::Unknown || matches!(e.status(), Some(200..=299 | 502..=504))
}

/// The answer is lost: looks for an artifact with that name and those bytes.
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

/// Compares the checksum if the server knows it, and the size.
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
