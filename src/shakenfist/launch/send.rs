//! Sending the request, never blindly again, and finding out what became of it.

use std::time::Duration;

use serde_json::{Map, Value};

use super::builder::Launch;
use super::created::Created;
use super::marker::{self, MARKER};
use crate::error::Error;
use crate::launch_marker::Marker;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::instance::{Instance, is_failed};
use crate::shakenfist::poll::{self, pauses};
use crate::shakenfist::types::{self, InstanceState};
use crate::shakenfist::{reconcile, reply};
use crate::wait::{Operation, into_future};

/// The pause before the next attempt if the server doesn't say how long it should be.
const AGAIN: Duration = Duration::from_secs(15);

impl Launch {
    /// Sends the request. The instance is then created in the background.
    ///
    /// # Errors
    ///
    /// Those of [`ShakenFist::launch`](crate::ShakenFist::launch), without those of the wait.
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        let deadline = Deadline::after(self.limit);
        self.sf.label("instance_create", &self.request.name).watch(self.sent(deadline)).await
    }

    async fn sent(mut self, deadline: Deadline) -> Result<Operation<Instance>, Error> {
        self.check()?;
        if let Some(found) = deadline.bound(self.by_key()).await? {
            return Ok(self.wait(deadline, Created::new(found.into_data().uuid)));
        }
        let (mut pauses, mut sent) = (pauses(), 1);
        loop {
            let marker = self.key.clone().unwrap_or_else(Marker::random).as_str().to_owned();
            self.mark(&marker);
            let e = match deadline.bound(self.post()).await {
                Ok(instance) => return Ok(self.wait(deadline, Created::new(instance.uuid))),
                Err(e) => e,
            };
            if reconcile::is_open(&e) {
                return self.find(deadline, &marker, e).await;
            }
            if reply::not_ready(&e).is_some_and(reply::may_become_ready) {
                if deadline.pause(pauses.next()).await {
                    continue;
                }
                return Err(e);
            }
            let again = sent < self.attempts_when_full && is_transient(&e);
            let pause =
                e.retry_after().unwrap_or(AGAIN).clamp(Duration::from_secs(1), Duration::from_secs(60));
            let e = self.refused(deadline, &marker, e, again).await;
            // Another attempt must not find a record that couldn't be removed.
            let again = again && !(self.key.is_some() && e.marker().is_some());
            if !again || !deadline.pause(pause).await {
                return Err(e);
            }
            sent += 1;
        }
    }

    /// The instance that has the key already.
    async fn by_key(&self) -> Result<Option<Instance>, Error> {
        match &self.key {
            Some(key) => {
                let namespace = self.request.namespace.as_deref().unwrap_or(self.sf.namespace());
                marker::launched_in(&self.sf, Some(namespace), key.as_str()).await
            }
            None => Ok(None),
        }
    }

    fn mark(&mut self, marker: &str) {
        let metadata: &mut Map<String, Value> = self.request.metadata.get_or_insert_default();
        metadata.insert(MARKER.to_owned(), marker.into());
    }

    async fn post(&self) -> Result<types::Instance, Error> {
        self.sf.raw().instance_create().body(self.request.clone()).send().await
    }

    fn wait(&self, deadline: Deadline, goal: Created) -> Operation<Instance> {
        deadline.limits(poll::operation(&self.sf, goal))
    }

    /// The answer is lost, or not certain: finds out what became of the request.
    async fn find(
        &self,
        deadline: Deadline,
        marker: &str,
        lost: Error,
    ) -> Result<Operation<Instance>, Error> {
        // If the deadline itself cut the answer off, one more second is worth knowing.
        let window = self.window.min(deadline.left().max(Duration::from_secs(1)));
        let found = marker::find(&self.sf, marker, window).await;
        match found {
            // The server said that it failed, and it did.
            Ok(Some(record)) if lost.status() == Some(500) && is_failed(&record.state) => {
                Err(self.left_behind(deadline, marker, &record, lost, false).await)
            }
            Ok(Some(instance)) => Ok(self.wait(deadline, Created::after(instance.uuid.clone(), &lost))),
            Ok(None) => Err(self.unknown(marker, lost)),
            Err(e) => {
                tracing::debug!(error = %e, "looking for the launched instance failed");
                Err(self.unknown(marker, lost))
            }
        }
    }

    fn unknown(&self, marker: &str, lost: Error) -> Error {
        Error::outcome_unknown(&format!("{:?}", self.request.name), MARKER, marker, lost)
    }

    /// A refused launch may have left a record in the state `error`: names it in the error, or removes it.
    async fn refused(&self, deadline: Deadline, marker: &str, e: Error, again: bool) -> Error {
        if !matches!(e.status(), Some(400 | 404 | 409 | 507)) {
            return e;
        }
        let record = match deadline.bound(marker::look(&self.sf, marker)).await {
            Ok(Some(record)) if record.state != InstanceState::Deleted => record,
            Ok(_) => return e,
            Err(looked) => {
                tracing::debug!(error = %looked, "looking for the record of a refused launch failed");
                return e;
            }
        };
        self.left_behind(deadline, marker, &record, e, again).await
    }

    async fn remove(&self, record: &Instance) -> Result<(), Error> {
        marker::remove(&self.sf, record).await?;
        if self.key.is_some() { marker::gone(record).await } else { Ok(()) }
    }

    /// Names the record in the error, or removes it.
    async fn left_behind(
        &self,
        deadline: Deadline,
        marker: &str,
        record: &Instance,
        e: Error,
        again: bool,
    ) -> Error {
        let uuid = record.uuid.clone();
        let removed = match self.remove_refused || self.key.is_some() || again {
            false => false,
            true => match deadline.bound(self.remove(record)).await {
                Ok(()) => true,
                Err(failed) => {
                    tracing::warn!(error = %failed, uuid, "the record of a refused launch can't be removed");
                    false
                }
            },
        };
        if removed {
            return e;
        }
        e.with(|inner| {
            inner.message = format!("{} (the server keeps a failed record of it: {uuid})", inner.message);
            inner.suggestion = Some(format!("delete the instance {uuid}"));
            inner.marker = Some(marker.to_owned());
        })
    }
}

into_future!(Launch => Instance: send);

/// Whether the server says that the lack of capacity is transient.
fn is_transient(e: &Error) -> bool {
    let said = serde_json::from_slice::<types::ErrorReply>(e.body());
    e.status() == Some(507) && said.is_ok_and(|said| said.transient == Some(true))
}
