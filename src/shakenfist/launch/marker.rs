//! The marker of a launch: finds the instance of a launch whose answer is lost, or the record of one that was refused.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::launch_marker::Marker;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::delete::{self, is_going};
use crate::shakenfist::instance::{Instance, is_failed};
use crate::shakenfist::types::InstanceState;

/// The key of the metadata that marks an instance as made by one particular launch: names aren't unique.
pub(crate) const MARKER: &str = "windlass-launch";

impl ShakenFist {
    /// The instance of the launch with this marker or [key](super::Launch::key), if there is one that isn't being
    /// deleted, or gone. The error of a launch has the marker: [`Error::marker`].
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
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) with all UUIDs if there are several, and those of
    /// [every request](crate::ShakenFist#errors).
    #[doc(alias = "find_by_marker")]
    pub async fn launched(&self, marker: &str) -> Result<Option<Instance>, Error> {
        launched_in(self, None, marker).await
    }
}

/// Only in this namespace, if one is given: the namespace `system` sees all.
pub(super) async fn launched_in(
    sf: &ShakenFist,
    namespace: Option<&str>,
    marker: &str,
) -> Result<Option<Instance>, Error> {
    let mut found = all(sf, marker).await?;
    found.retain(|it| namespace.is_none_or(|name| it.namespace == name) && !is_going(&it.state));
    Marker::only(marker, found, |it| &it.uuid).map_err(|e| sf.label("instances_list", "").on(e))
}

/// Looks once, in the list of all: the list without deleted ones misses an instance that is changing its state.
pub(super) async fn look(sf: &ShakenFist, marker: &str) -> Result<Option<Instance>, Error> {
    // An earlier launch with the same key may have left one.
    Ok(all(sf, marker).await?.into_iter().min_by_key(|it| (is_going(&it.state), is_failed(&it.state))))
}

async fn all(sf: &ShakenFist, marker: &str) -> Result<Vec<Instance>, Error> {
    sf.instances().with_deleted().label(MARKER, marker).await
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

/// Removes the record that a refused launch left behind, once the record shows that it failed.
pub(super) async fn remove(sf: &ShakenFist, record: &Instance) -> Result<(), Error> {
    match until(record, is_failed).await? {
        Some(failed) => delete::remove_record(sf, &failed).await,
        None => Ok(()),
    }
}

/// Waits until a record that is being removed has gone, so that it doesn't keep its key.
pub(super) async fn gone(record: &Instance) -> Result<(), Error> {
    until(record, is_going).await.map(drop)
}

/// Reads a record until its state is such, but not for long. None if it is gone.
async fn until(record: &Instance, is_such: fn(&InstanceState) -> bool) -> Result<Option<Instance>, Error> {
    const LOOKS: u32 = 8;
    let mut now = record.clone();
    for _ in 0..LOOKS {
        if is_such(&now.state) {
            return Ok(Some(now));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        now = match now.get().await {
            Ok(now) => now,
            Err(e) if e.is_not_found() => return Ok(None),
            Err(e) => return Err(e),
        };
    }
    Err(Error::new(ErrorKind::Conflict, format!("it is in the state {}", now.state)))
}
