//! The answer to a create is lost: did it take effect?

use std::time::Duration;

use tokio::time::Instant;

use super::launch::MARKER;
use super::operation::is_final;
use super::{Incus, types};
use crate::error::Error;

/// What became of a create.
pub(super) enum Settled {
    /// The instance is there, and this operation still works on it.
    Running(Box<types::Operation>),
    /// The instance is there, and nothing works on it any more.
    Exists,
    /// Somebody else's instance has the name.
    Foreign,
    /// Nothing is there so far.
    Nothing,
}

/// An operation id that no server has: a wait for it ends at once in what the instance shows.
pub(super) const FORGOTTEN: &str = "00000000-0000-0000-0000-000000000000";

/// Looks for the instance by name and marker until it is found or the window is over.
///
/// While the server works on a create of that name, whoever's it is, the window stays open, up to ten minutes.
pub(super) async fn find(
    incus: &Incus,
    name: &str,
    marker: &str,
    window: Duration,
) -> Result<Settled, Error> {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);
    // A server that fetches an image first takes long to make the instance.
    const LIMIT: Duration = Duration::from_secs(600);
    let (started, mut pause) = (Instant::now(), FIRST);
    loop {
        let found = incus.instance(name).get().await;
        // Only then the operation: where there is an instance, its operation was there before.
        let operation = running(incus, name).await;
        let over = started.elapsed() >= window;
        match (found, operation) {
            (Ok(instance), operation) if bears(&instance, marker) => match operation {
                Ok(Some(operation)) => return Ok(Settled::Running(Box::new(operation))),
                Ok(None) => return Ok(Settled::Exists),
                Err(_) if over => return Ok(Settled::Exists),
                Err(_) => {}
            },
            (Ok(_), _) => return Ok(Settled::Foreign),
            // Somebody's create of that name, perhaps ours, is at work.
            (Err(_), Ok(Some(_))) if started.elapsed() < LIMIT => {}
            (Err(e), _) if over && !e.is_not_found() => return Err(e),
            (Err(_), _) if over => return Ok(Settled::Nothing),
            (Err(_), _) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

fn bears(instance: &types::Instance, marker: &str) -> bool {
    instance.config.get(MARKER).map(String::as_str) == Some(marker)
}

/// The operation that works on an instance, if there is one.
async fn running(incus: &Incus, name: &str) -> Result<Option<types::Operation>, Error> {
    let path = format!("/1.0/instances/{name}");
    let works_on_it = |operation: &types::Operation| {
        let mut urls = operation.resources.values().flatten();
        // In a project other than the default one the URL has a query.
        !is_final(operation) && urls.any(|url| url.split('?').next() == Some(&path))
    };
    Ok(incus.operations().await?.into_iter().find(works_on_it))
}
