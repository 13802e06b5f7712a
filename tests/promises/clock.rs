//! Time that passes without being waited for.

use std::panic::Location;
use std::time::{Duration, Instant};

/// Lets so much time pass at once.
pub async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Lets other tasks run until this is so; fails if it never is.
#[track_caller]
pub fn until(so: impl Fn() -> bool) -> impl Future<Output = ()> {
    let (from, ends) = (Location::caller(), Instant::now() + Duration::from_secs(60));
    async move {
        while !so() {
            assert!(Instant::now() < ends, "{from}: it never is so");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
