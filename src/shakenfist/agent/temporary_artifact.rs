//! The artifact that holds the content of a push. It is removed, whatever becomes of the push.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::Error;
use crate::shakenfist::artifact::Artifact;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::poll::pauses;
use crate::shakenfist::reconcile;
use crate::transport::checked;

/// How long the removal may take, including the time until the artifact appears: the server computes its checksum
/// first.
const LIMIT: Duration = Duration::from_secs(30);

/// Removes the artifact also when it is dropped, in a task of its own.
pub(super) struct TemporaryArtifact {
    sf: ShakenFist,
    name: String,
    uuid: Option<String>,
    /// Whether the server was asked to create it.
    asked: Arc<AtomicBool>,
}

impl TemporaryArtifact {
    pub(super) fn new(sf: &ShakenFist) -> Self {
        // Two pushes at the same time must not remove each other's blob.
        let name = format!("windlass-push-{:016x}", rand::random::<u64>());
        Self { sf: sf.clone(), name, uuid: None, asked: Arc::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn asked(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// Notes what became of it: it exists, or it never will.
    pub(super) fn became(&mut self, stored: &Result<Artifact, Error>) {
        match stored {
            Ok(artifact) => self.uuid = Some(artifact.uuid.clone()),
            Err(e) if is_refused(e) => self.asked.store(false, Ordering::Relaxed),
            Err(_) => {}
        }
    }

    /// Removes it. If that fails, the error of a failed push says so.
    pub(super) async fn remove(self, push: Result<(), Error>) -> Result<(), Error> {
        let Some(work) = self.removal() else { return push };
        let result = work.await;
        // If this is dropped before that, the removal still happens.
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

    /// The removal, if there is anything to remove.
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

/// The server refused to create an artifact.
fn is_refused(e: &Error) -> bool {
    e.operation() == "artifact_upload" && matches!(e.status(), Some(400..=499))
}

async fn remove(sf: &ShakenFist, name: &str, uuid: Option<String>) -> Result<(), Error> {
    let uuid = match uuid {
        Some(uuid) => uuid,
        // The answer is lost: the server may still be creating it.
        None => match reconcile::search(LIMIT / 2, || async { sf.artifact(name).get().await.ok() }).await {
            Some(artifact) => artifact.uuid.clone(),
            None => return Ok(()),
        },
    };
    let mut pauses = pauses();
    for _ in 0..4 {
        match delete(sf, &uuid).await {
            Err(e) if e.kind().may_pass() => {
                tracing::debug!(error = %e, "removing an artifact failed")
            }
            result => return result,
        }
        tokio::time::sleep(pauses.next()).await;
    }
    delete(sf, &uuid).await
}

/// Deletes it by its UUID, so that doing it twice does no harm.
async fn delete(sf: &ShakenFist, uuid: &str) -> Result<(), Error> {
    match sf.raw().artifact_delete().artifact_ref(checked("artifact", uuid)?).send().await {
        Err(e) if !e.is_not_found() => Err(e),
        _ => Ok(()),
    }
}
