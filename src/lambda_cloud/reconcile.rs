//! The answer to a launch is lost: did it take effect?

use std::time::Duration;

use tokio::time::Instant;

use super::client::LambdaCloud;
use super::types;
use crate::error::{Error, ErrorKind};
use crate::launch_marker::Marker;

/// The tag that marks an instance as the result of one launch; its value is random, or the caller's key.
pub(crate) const MARKER: &str = "windlass-launch";

/// How long a launch may take to show.
pub(crate) const WINDOW: Duration = Duration::from_secs(600);

/// Looks for the instances with this marker, until there is one or the window is over.
pub(super) async fn find(
    lambda: &LambdaCloud,
    marker: &Marker,
    window: Duration,
) -> Result<Vec<types::Instance>, Error> {
    let started = Instant::now();
    loop {
        let left = window.saturating_sub(started.elapsed());
        // The last look comes at the end of the window, and takes no older list.
        let since = if left.is_zero() { Instant::now() } else { started };
        match tokio::time::timeout(left.max(LAST_LOOK), marked(lambda, marker, since)).await {
            Ok(Ok(found)) if !found.is_empty() => return Ok(found),
            Ok(Err(e)) if is_hopeless(e.kind()) => return Err(e),
            Ok(Err(e)) => tracing::debug!(error = %e, "a look for the launched instance failed"),
            Ok(Ok(_)) | Err(_) => {}
        }
        if left.is_zero() {
            return Ok(Vec::new());
        }
        let left = window.saturating_sub(started.elapsed());
        tokio::time::sleep(lambda.0.interval.min(left)).await;
    }
}

/// What the last look may take after the end of the window.
const LAST_LOOK: Duration = Duration::from_secs(30);

async fn marked(
    lambda: &LambdaCloud,
    marker: &Marker,
    since: Instant,
) -> Result<Vec<types::Instance>, Error> {
    let all = lambda.listed(since).await?;
    // An earlier launch with the same key may have left one.
    let is_ours = |instance: &&types::Instance| {
        instance.tag(MARKER) == Some(marker.as_str()) && !(marker.is_key() && instance.is_leaving())
    };
    Ok(all.iter().filter(is_ours).cloned().collect())
}

/// Errors that another look won't cure.
fn is_hopeless(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::InvalidInput)
}
