//! Waiting for what the agent does, which ends in one of several ways.

use crate::error::{Error, ErrorKind, Sent};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::poll::{self, progress};
use crate::shakenfist::types::{self, AgentOperationState};
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation};

/// Reads an agent operation.
pub(super) async fn get(sf: &ShakenFist, uuid: &str) -> Result<types::AgentOperation, Error> {
    sf.raw().agent_operation_get().operation_uuid(checked("agent operation", uuid)?).send().await
}

/// Deletes an agent operation.
pub(super) async fn delete(sf: &ShakenFist, uuid: &str) -> Result<(), Error> {
    let uuid = checked("agent operation", uuid)?;
    sf.require("agent_operation_delete", "agentoperations-crud", "delete agent operations").await?;
    sf.raw().agent_operation_delete().operation_uuid(uuid).send().await.map(drop)
}

/// What an agent operation is for, and how its results are read.
pub(super) trait Purpose: Send + 'static {
    type Output: Send + 'static;
    /// The kind of its tickets.
    const KIND: &'static str;

    fn result<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        done: types::AgentOperation,
    ) -> BoxFuture<'a, Result<Self::Output, Error>>;
}

/// An agent operation has ended.
pub(super) struct OperationEnded<P: Purpose> {
    uuid: String,
    purpose: P,
    done: Option<types::AgentOperation>,
}

impl<P: Purpose> OperationEnded<P> {
    pub(super) fn operation(sf: &ShakenFist, uuid: String, purpose: P) -> Operation<P::Output> {
        poll::operation(sf, Self::new(uuid, purpose))
    }

    pub(super) fn new(uuid: String, purpose: P) -> Self {
        Self { uuid, purpose, done: None }
    }

    pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket, purpose: P) -> Option<Operation<P::Output>> {
        (ticket.kind == P::KIND).then(|| Self::operation(sf, ticket.id.clone(), purpose))
    }
}

impl<P: Purpose> Goal<ShakenFist> for OperationEnded<P> {
    type Output = P::Output;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", P::KIND, &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<P::Output>, Error>> {
        Box::pin(async move {
            let now = match get(sf, &self.uuid).await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => return Ok(Seen::Gone),
                Err(e) => return Err(e),
            };
            let seen = progress(&now.state, P::KIND);
            Ok(match &now.state {
                AgentOperationState::Complete => match refused(&now) {
                    Some(e) => Seen::Failed(e),
                    None => {
                        self.done = Some(now);
                        Seen::Ended(seen)
                    }
                },
                AgentOperationState::Error | AgentOperationState::Expired => {
                    Seen::Failed(failed(&now, ErrorKind::OperationFailed))
                }
                AgentOperationState::Deleted => Seen::Failed(failed(&now, ErrorKind::Cancelled)),
                _ => Seen::Pending(seen),
            })
        })
    }

    fn finish<'a>(&'a mut self, sf: &'a ShakenFist) -> BoxFuture<'a, Result<Option<P::Output>, Error>> {
        Box::pin(async move {
            // Kept, because this can be called again.
            let Some(done) = self.done.clone() else { return Ok(None) };
            self.purpose.result(sf, done).await.map(Some)
        })
    }

    fn cancel<'a>(&'a mut self, sf: &'a ShakenFist) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(delete(sf, &self.uuid))
    }
}

/// It is `complete`, but a step says that it didn't work.
fn refused(done: &types::AgentOperation) -> Option<Error> {
    let worked = done.results.values().all(|result| result.result != Some(false));
    (!worked).then(|| failed(done, ErrorKind::OperationFailed))
}

/// Why it failed, in the words of the server and of the agent.
fn failed(operation: &types::AgentOperation, kind: ErrorKind) -> Error {
    let steps = operation.results.values().filter_map(|result| result.message.clone());
    let own = [&operation.error_message, &operation.expiry_reason].into_iter().flatten().cloned();
    let said: Vec<String> = own.chain(steps).filter(|said| !said.is_empty()).collect();
    let (uuid, state) = (&operation.uuid, &operation.state);
    let message = match said.is_empty() {
        true => format!("agent operation {uuid} ended as {state}"),
        false => format!("agent operation {uuid} ended as {state}: {}", said.join("; ")),
    };
    Error::new(kind, message).with(|e| {
        (e.sent, e.code) = (Sent::Yes, Some(state.to_string()));
    })
}

/// The answer lacks something that it should have.
pub(super) fn incomplete(what: &str) -> Error {
    Error::new(ErrorKind::BadReply, format!("the results of the agent lack {what}"))
        .with(|e| e.sent = Sent::Yes)
}
