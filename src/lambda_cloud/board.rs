//! The list of instances as all waits of a client share it: a hundred waits cost one request per interval.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{LambdaCloud, types};
use crate::error::Error;

/// The newest list.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Option<Sheet>>);

#[derive(Debug, Clone)]
struct Sheet {
    asked: Instant,
    instances: Arc<Vec<types::Instance>>,
}

impl LambdaCloud {
    /// All instances, by a list that was asked for at `since` or later and less than an interval ago.
    ///
    /// Whoever comes while the list is fetched waits for it instead of fetching another.
    pub(super) async fn listed(&self, since: Instant) -> Result<Arc<Vec<types::Instance>>, Error> {
        let mut sheet = self.0.board.0.lock().await;
        if let Some(sheet) = &*sheet
            && sheet.asked >= since
            && sheet.asked.elapsed() < self.0.interval
        {
            return Ok(sheet.instances.clone());
        }
        let asked = Instant::now();
        let all = self.instances().list().all().await?;
        let instances = Arc::new(all.into_iter().map(super::Instance::into_data).collect::<Vec<_>>());
        *sheet = Some(Sheet { asked, instances: instances.clone() });
        Ok(instances)
    }
}
