//! Waiting until an instance is `created`.

use std::time::Duration;

use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::instance::{Instance, failure, is_failed};
use crate::shakenfist::poll::{self, progress};
use crate::shakenfist::types::InstanceState;
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, Until};

impl<D: Identified> Instance<D> {
    /// Waits until it is `created`, which means that it runs: what a launch waits for, too.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::ShakenFist) -> windlass::Result<()> {
    /// // Another process has launched it.
    /// if let Some(web) = sf.launched("job-17").await? {
    ///     web.until_created().await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// [`ShakenFist::resume`] continues from its ticket.
    ///
    /// # Errors
    ///
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) if it ends in an error or is deleted, and those of every wait
    /// ([`WaitEnd`](crate::WaitEnd)).
    #[doc(alias = "until_running")]
    pub fn until_created(&self) -> Until<Instance> {
        poll::until(&self.sf, Created::new(self.id().to_owned()))
    }
}

/// An instance is `created`.
pub(super) struct Created {
    uuid: String,
    message: String,
}

impl Created {
    pub(super) fn new(uuid: String) -> Self {
        Self { uuid, message: "launch".to_owned() }
    }

    /// One whose request got no good answer. A wait that fails says so, too.
    pub(super) fn after(uuid: String, lost: &Error) -> Self {
        let answer = match lost.status() {
            Some(status) => format!("answered with {status}"),
            None => "not answered".to_owned(),
        };
        let said = match lost.message() {
            "" => String::new(),
            said => format!(": {said}"),
        };
        Self { uuid, message: format!("launch ({answer}{said})") }
    }

    /// The newest event says what is being done. It is no failure if there is none.
    async fn listen(&mut self, sf: &ShakenFist) {
        let events = sf.instance(&self.uuid).events().limit(10).await;
        let telling = |kind: &str| kind == "status" || kind == "audit";
        match events {
            Ok(events) => {
                let newest = events.iter().find(|event| telling(event.kind.as_str())).or(events.first());
                self.message = newest.map_or_else(|| self.message.clone(), |event| event.message.clone());
            }
            Err(e) => tracing::debug!(error = %e, "no events"),
        }
    }
}

impl Goal<ShakenFist> for Created {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "launch", &self.uuid)
    }

    fn look<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        closely: bool,
    ) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(async move {
            let now = match sf.instance(&self.uuid).get().await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => return Ok(Seen::Gone),
                Err(e) => return Err(e),
            };
            if closely {
                self.listen(sf).await;
            }
            let seen = progress(&now.state, self.message.clone());
            Ok(match &now.state {
                InstanceState::Created => Seen::Reached(seen, now),
                InstanceState::DeleteWait | InstanceState::Deleted | InstanceState::Error => {
                    Seen::Failed(failure(&now))
                }
                // The message comes a moment after the state.
                state if is_failed(state) => Seen::Failed(failure(&*with_message(now).await)),
                _ => Seen::Pending(seen),
            })
        })
    }

    /// A launch can only be cancelled by deleting the instance.
    fn cancel<'a>(&'a mut self, sf: &'a ShakenFist) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { sf.instance(&self.uuid).delete().send().await.map(drop) })
    }
}

/// Reads a failed instance again until it says why, but not for long.
async fn with_message(mut failed: Instance) -> Instance {
    const LOOKS: u32 = 8;
    for _ in 0..LOOKS {
        if failed.error_message.as_deref().is_some_and(|said| !said.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        match failed.get().await {
            Ok(now) => failed = now,
            Err(_) => break,
        }
    }
    failed
}

pub(in crate::shakenfist) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Instance>> {
    (ticket.kind == "launch").then(|| poll::operation(sf, Created::new(ticket.id.clone())))
}
