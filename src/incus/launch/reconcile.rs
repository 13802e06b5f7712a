//! The answer to a create is lost: did it take effect?

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::incus::operation::is_final;
use crate::incus::{BackgroundOperation, Incus, types};

/// The configuration key that marks an instance as made by one certain launch: a name alone may be another
/// instance's.
pub(in crate::incus) const MARKER: &str = "user.windlass.launch";
/// The same as a label.
pub(crate) const MARKER_LABEL: &str = "windlass.launch";

/// What became of a create.
pub(in crate::incus) enum Outcome {
    /// The instance is there, and this operation is still about to make it.
    Running(Box<types::Operation>),
    /// The instance is there, and made.
    Exists,
    /// Another instance has the name.
    Foreign,
    /// Nothing is there so far.
    Nothing,
}

/// Looks for the instance by name and marker until it is found or the window is over. No look lasts longer than the
/// window, or five seconds.
///
/// While the server works on any create of that name, the window stays open, up to ten minutes.
pub(in crate::incus) async fn find(
    incus: &Incus,
    name: &str,
    marker: &str,
    window: Duration,
) -> Result<Outcome, Error> {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);
    // A server that fetches an image first takes long to make the instance.
    const LIMIT: Duration = Duration::from_secs(600);
    // What a look gets at least.
    const LOOK: Duration = Duration::from_secs(5);
    let (started, mut pause) = (Instant::now(), FIRST);
    loop {
        // One that hangs leaves time for another.
        let limit = (window.saturating_sub(started.elapsed()) / 2).max(LOOK);
        match tokio::time::timeout(limit, look(incus, name, marker)).await {
            Ok(Sight::Known(outcome)) => return Ok(outcome),
            Ok(Sight::Unclear(e)) if started.elapsed() >= window => return Err(e),
            Ok(Sight::Nothing { at_work: false }) if started.elapsed() >= window => {
                return Ok(Outcome::Nothing);
            }
            Ok(Sight::Nothing { .. }) if started.elapsed() >= window.max(LIMIT) => {
                return Ok(Outcome::Nothing);
            }
            Err(_) if started.elapsed() >= window => {
                return Err(Error::new(ErrorKind::Timeout, "the server doesn't answer"));
            }
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// What one look shows.
enum Sight {
    Known(Outcome),
    /// Not there so far; does the server work on a create of that name?
    Nothing {
        at_work: bool,
    },
    /// It couldn't be looked at, or whether it is finished couldn't be told.
    Unclear(Error),
}

async fn look(incus: &Incus, name: &str, marker: &str) -> Sight {
    // The operation first: it may end between the two looks, but the instance stays.
    let operation = running(incus, name).await;
    match incus.instance(name).get().await {
        Ok(instance) if instance.config.get(MARKER).map(String::as_str) == Some(marker) => {
            match still_running(incus, name, operation).await {
                Err(e) => Sight::Unclear(e),
                Ok(Some(operation)) => Sight::Known(Outcome::Running(Box::new(operation))),
                Ok(None) => Sight::Known(Outcome::Exists),
            }
        }
        Ok(_) => Sight::Known(Outcome::Foreign),
        Err(e) if e.is_not_found() => Sight::Nothing { at_work: matches!(operation, Ok(Some(_))) },
        Err(e) => Sight::Unclear(e),
    }
}

/// The operation that makes an instance which is there. One that began after the first look must not be taken for
/// one that has ended.
async fn still_running(
    incus: &Incus,
    name: &str,
    seen: Result<Option<types::Operation>, Error>,
) -> Result<Option<types::Operation>, Error> {
    match seen {
        Ok(Some(operation)) => Ok(Some(operation)),
        _ => running(incus, name).await,
    }
}

/// The operation that makes an instance of that name, if there is one.
pub(super) async fn running(incus: &Incus, name: &str) -> Result<Option<types::Operation>, Error> {
    let working = incus.operations().await?.into_iter().filter(|operation| makes(operation, name));
    // Where two want the name, the one that came first gets it.
    let first = working.min_by_key(|operation| operation.created_at);
    Ok(first.map(BackgroundOperation::into_data))
}

/// Whether an operation is under way that makes the instance. Other operations work on instances, too: a command that
/// runs in it must not be waited for, and certainly not be stopped.
fn makes(operation: &types::Operation, name: &str) -> bool {
    /// By these words servers name it; they are the same in every generation and in no other kind of operation.
    const CREATES: [&str; 2] = ["Creating instance", "Restoring backup"];
    let path = format!("/1.0/instances/{name}");
    // The first of each kind: a copy names its source after it.
    let mut urls = operation.resources.values().filter_map(|urls| urls.first());
    // In a project other than the default one the URL has a query.
    !is_final(operation)
        && CREATES.contains(&operation.description.as_str())
        && urls.any(|url| url.split('?').next() == Some(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_makes_the_instance_is_its_making() {
        let operation = |description: &str, code: i64, urls: &[&str]| {
            let json = serde_json::json!({
                "id": "1", "status": "Running", "status_code": code, "description": description,
                "resources": {"instances": urls},
            });
            serde_json::from_value(json).unwrap_or_else(|e| unreachable!("{e}"))
        };
        let (web, other) = ("/1.0/instances/web", "/1.0/instances/other");
        for (description, code, urls, expected) in [
            ("Creating instance", 103, [web, other].as_slice(), true),
            ("Creating instance", 103, &["/1.0/instances/web?project=blue"], true),
            ("Restoring backup", 105, &[web], true),
            ("Creating instance", 103, &[other, web], false),
            ("Creating instance", 200, &[web], false),
            ("Executing command", 103, &[web], false),
            ("Showing console", 103, &[web], false),
            ("Starting instance", 103, &[web], false),
            ("Backing up instance", 103, &[web], false),
            ("Restoring snapshot", 103, &[web], false),
        ] {
            assert_eq!(makes(&operation(description, code, urls), "web"), expected, "{description} {urls:?}");
        }
    }
}
