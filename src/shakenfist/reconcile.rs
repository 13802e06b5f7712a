//! The answer to a create is lost, or a refusal: did it leave an instance behind?

use std::time::Duration;

use tokio::time::Instant;

use super::instance::is_failed;
use super::{Instance, InstanceState, ShakenFist, delete};
use crate::error::Error;

/// The key of the metadata that marks an instance as the fruit of one certain create: names aren't unique.
pub(super) const MARKER: &str = "windlass-launch";

impl ShakenFist {
    /// The instance that a create left behind, by the marker that its error names (see
    /// [`Error::marker`](crate::Error::marker)); deleted ones don't count.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::ShakenFist;
    /// # async fn demo(sf: ShakenFist, e: windlass::Error) -> windlass::Result<()> {
    /// if let Some(marker) = e.marker()
    ///     && let Some(left) = sf.launched(marker).await?
    /// {
    ///     left.delete().await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn launched(&self, marker: &str) -> Result<Option<Instance>, Error> {
        Ok(look(self, marker).await?.filter(|found| found.state != InstanceState::Deleted))
    }
}

/// Looks once. The list of those that aren't deleted misses what is changing its state; that of all doesn't.
pub(super) async fn look(sf: &ShakenFist, marker: &str) -> Result<Option<Instance>, Error> {
    let all = sf.instances().with_deleted().await?;
    let bears_it =
        |instance: &Instance| instance.metadata.get(MARKER).and_then(|it| it.as_str()) == Some(marker);
    Ok(all.into_iter().find(bears_it))
}

/// Looks until it is found or the window is over.
pub(super) async fn find(sf: &ShakenFist, marker: &str, window: Duration) -> Result<Option<Instance>, Error> {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);
    let (started, mut pause) = (Instant::now(), FIRST);
    loop {
        let found = match tokio::time::timeout(window.max(FIRST).saturating_mul(2), look(sf, marker)).await {
            Ok(Ok(Some(instance))) => return Ok(Some(instance)),
            Ok(other) => other,
            Err(_) => Ok(None),
        };
        if started.elapsed() >= window {
            return found;
        }
        tokio::time::sleep(pause.min(window)).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Removes what a refused create left behind: first it must show that it failed.
pub(super) async fn remove(sf: &ShakenFist, record: &Instance) -> Result<(), Error> {
    const LOOKS: u32 = 8;
    let mut now = record.clone();
    for _ in 0..LOOKS {
        if is_failed(&now.state) {
            return delete::remove_record(sf, &now).await;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        now = match now.get().await {
            Ok(now) => now,
            Err(e) if e.is_not_found() => return Ok(()),
            Err(e) => return Err(e),
        };
    }
    Err(Error::new(crate::error::ErrorKind::Conflict, format!("it is in the state {}", now.state)))
}
