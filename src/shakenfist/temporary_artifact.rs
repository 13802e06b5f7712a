//! The artifact that holds the content of a push meanwhile: removed whatever becomes of the push.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::deadline::Deadline;
use super::{Artifact, ShakenFist, lost_answer};
use crate::error::Error;
use crate::transport::checked;

/// How long removing it may take, the time until it shows up included: the server reads all of it for a checksum first.
const LIMIT: Duration = Duration::from_secs(30);

/// Removes the artifact when it is dropped, too: in a task of its own.
pub(super) struct TemporaryArtifact {
    sf: ShakenFist,
    name: String,
    uuid: Option<String>,
    /// Set once the server is asked for it.
    asked: Arc<AtomicBool>,
}

impl TemporaryArtifact {
    pub(super) fn new(sf: &ShakenFist) -> Self {
        // Two pushes at once must not take each other's blob away.
        let name = format!("windlass-push-{:016x}", rand::random::<u64>());
        Self { sf: sf.clone(), name, uuid: None, asked: Arc::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn asked(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// What became of it: it is there, or it will never be.
    pub(super) fn became(&mut self, stored: &Result<Artifact, Error>) {
        match stored {
            Ok(artifact) => self.uuid = Some(artifact.uuid.clone()),
            Err(e) if is_refused(e) => self.asked.store(false, Ordering::Relaxed),
            Err(_) => {}
        }
    }

    /// Removes it, and tells in a failed push's error if that doesn't work.
    pub(super) async fn remove(self, push: Result<(), Error>) -> Result<(), Error> {
        let Some(work) = self.removal() else { return push };
        let result = work.await;
        // Dropped before that, it still removes the file.
        self.asked.store(false, Ordering::Relaxed);
        let Err(failed) = result else { return push };
        let name = &self.name;
        tracing::warn!(error = %failed, artifact = name, "the artifact of a push can't be removed");
        push.map_err(|e| {
            e.with(|e| {
                e.message = format!("{}; the artifact {name:?} is left behind: {failed}", e.message);
                e.suggestion = Some(format!("delete the artifact {name}"));
            })
        })
    }

    /// What is to be done, if anything.
    fn removal(&self) -> Option<impl Future<Output = Result<(), Error>> + Send + 'static> {
        let asked = self.asked.load(Ordering::Relaxed);
        let (sf, name, uuid) = (self.sf.clone(), self.name.clone(), self.uuid.clone());
        asked.then_some(async move { Deadline::after(LIMIT).bound(remove(&sf, &name, uuid)).await })
    }
}

impl Drop for TemporaryArtifact {
    fn drop(&mut self) {
        if let Some(work) = self.removal()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let name = self.name.clone();
            runtime.spawn(async move {
                if let Err(e) = work.await {
                    tracing::warn!(error = %e, artifact = name, "the artifact of a dropped push can't be removed");
                }
            });
        }
    }
}

/// The server said that it makes no artifact.
fn is_refused(e: &Error) -> bool {
    e.operation() == "artifact_upload" && matches!(e.status(), Some(400..=499))
}

async fn remove(sf: &ShakenFist, name: &str, uuid: Option<String>) -> Result<(), Error> {
    let uuid = match uuid {
        Some(uuid) => uuid,
        // Its answer is lost: it may still be in the making.
        None => match lost_answer::search(LIMIT / 2, || async { sf.artifact(name).get().await.ok() }).await {
            Some(artifact) => artifact.uuid.clone(),
            None => return Ok(()),
        },
    };
    let mut pauses = super::poll::pauses();
    for _ in 0..4 {
        match delete(sf, &uuid).await {
            Err(e) if crate::wait::may_pass(e.kind()) => {
                tracing::debug!(error = %e, "removing an artifact failed")
            }
            result => return result,
        }
        tokio::time::sleep(pauses.next()).await;
    }
    delete(sf, &uuid).await
}

/// By its UUID, so that it may be done twice.
async fn delete(sf: &ShakenFist, uuid: &str) -> Result<(), Error> {
    match sf.raw().artifact_delete().artifact_ref(checked("artifact", uuid)?).send().await {
        Err(e) if !e.is_not_found() => Err(e),
        _ => Ok(()),
    }
}
