//! The list of instances that all waits of a client share: a hundred waits cost one request per interval.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::raw::lambda_cloud::types;

/// The newest list.
#[derive(Debug, Default)]
pub(super) struct SharedList(Mutex<Option<Newest>>);

#[derive(Debug, Clone)]
struct Newest {
    asked: Instant,
    instances: Arc<Vec<types::Instance>>,
}

impl SharedList {
    /// The list if it was asked for at `since` or later and less than `interval` ago; otherwise fetches it.
    ///
    /// Callers that come while the list is fetched wait for it instead of fetching another.
    pub(super) async fn get(
        &self,
        since: Instant,
        interval: Duration,
        fetch: impl Future<Output = Result<Vec<types::Instance>, Error>> + Send,
    ) -> Result<Arc<Vec<types::Instance>>, Error> {
        let mut newest = self.0.lock().await;
        if let Some(newest) = &*newest
            && newest.asked >= since
            && newest.asked.elapsed() < interval
        {
            return Ok(newest.instances.clone());
        }
        let asked = Instant::now();
        let instances = Arc::new(fetch.await?);
        *newest = Some(Newest { asked, instances: instances.clone() });
        Ok(instances)
    }
}
