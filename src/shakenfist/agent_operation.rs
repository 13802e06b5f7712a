//! Work of the agent in a guest, which ends in one of several ways.

use super::poll::{self, progress};
use super::{AgentOperationState, Instance, InstanceRef, ShakenFist, types};
use crate::Id;
use crate::Identified;
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::{handle, identified};
use crate::stream::List;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, Until, into_future};

identified! { types::AgentOperation: uuid; }

handle! {
    /// An order to the agent: its data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/agentoperations/>
    AgentOperation<types::AgentOperation> of sf: ShakenFist;
    /// A handle on an agent operation of which only the UUID is known.
    AgentOperationRef
}

impl ShakenFist {
    /// A handle on an agent operation by its UUID, without a request.
    pub fn agent_operation(&self, uuid: impl Into<String>) -> AgentOperationRef {
        AgentOperation::new(self, Id::new(uuid))
    }
}

/// An instance's agent operations; from [`Instance::agent_operations`].
///
/// ```no_run
/// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
/// for operation in web.agent_operations().with_done().await? {
///     println!("{} {}", operation.uuid, operation.state);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct AgentOperations {
    instance: InstanceRef,
    done: bool,
}

impl<D: Identified> Instance<D> {
    /// The instance's agent operations that are still queued: a query.
    pub fn agent_operations(&self) -> AgentOperations {
        AgentOperations { instance: self.reference(), done: false }
    }
}

impl AgentOperations {
    /// Those that are done, too. Some servers can't list them: [`ErrorKind::Unsupported`].
    pub fn with_done(mut self) -> Self {
        self.done = true;
        self
    }

    /// The list as a stream. There is no paging: one request brings all.
    pub fn stream(self) -> List<AgentOperation> {
        List::once(async move { self.fetch().await })
    }

    async fn fetch(self) -> Result<Vec<AgentOperation>, Error> {
        let (reference, sf) = (self.instance.segment()?, &self.instance.sf);
        let operation = "instance_agent_operations";
        sf.require(operation, "instance-agentoperations", "list agent operations").await?;
        if self.done {
            let what = "list agent operations that are done";
            sf.require(operation, "instance-agentoperations-all", what).await?;
        }
        let query = types::AgentOperationsQuery { all: self.done.then_some(true) };
        let call = sf.raw().instance_agent_operations().instance_ref(reference).body(query);
        Ok(call.send().await?.0.into_iter().map(|data| AgentOperation::new(sf, data)).collect())
    }
}

into_future!(AgentOperations => Vec<AgentOperation>: |query| query.fetch().await);

impl<D: Identified> AgentOperation<D> {
    /// The UUID.
    pub fn id(&self) -> &str {
        self.identity()
    }

    /// Fetches it. A deleted one is found, too, in that state.
    pub async fn get(&self) -> Result<AgentOperation, Error> {
        Ok(AgentOperation::new(&self.sf, get(&self.sf, self.id()).await?))
    }

    /// Deletes it. A command that the guest already runs goes on.
    pub async fn delete(&self) -> Result<(), Error> {
        delete(&self.sf, self.id()).await
    }

    /// Waits until it has ended, whoever gave the order.
    pub fn until_ended(&self) -> Until<AgentOperation> {
        poll::until(&self.sf, AgentWork::new(self.id().to_owned(), Whole))
    }
}

async fn get(sf: &ShakenFist, uuid: &str) -> Result<types::AgentOperation, Error> {
    sf.raw().agent_operation_get().operation_uuid(checked("agent operation", uuid)?).send().await
}

async fn delete(sf: &ShakenFist, uuid: &str) -> Result<(), Error> {
    let uuid = checked("agent operation", uuid)?;
    sf.require("agent_operation_delete", "agentoperations-crud", "delete agent operations").await?;
    sf.raw().agent_operation_delete().operation_uuid(uuid).send().await.map(drop)
}

/// What an agent operation is for, and what becomes of its results.
pub(super) trait End: Send + 'static {
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
pub(super) struct AgentWork<E: End> {
    uuid: String,
    end: E,
    done: Option<types::AgentOperation>,
}

impl<E: End> AgentWork<E> {
    pub(super) fn operation(sf: &ShakenFist, uuid: String, end: E) -> Operation<E::Output> {
        poll::operation(sf, Self::new(uuid, end))
    }

    fn new(uuid: String, end: E) -> Self {
        Self { uuid, end, done: None }
    }

    pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket, end: E) -> Option<Operation<E::Output>> {
        (ticket.kind == E::KIND).then(|| Self::operation(sf, ticket.id.clone(), end))
    }
}

impl<E: End> Goal<ShakenFist> for AgentWork<E> {
    type Output = E::Output;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", E::KIND, &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<E::Output>, Error>> {
        Box::pin(async move {
            let now = match get(sf, &self.uuid).await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => return Ok(Seen::Gone),
                Err(e) => return Err(e),
            };
            let seen = progress(&now.state, E::KIND);
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

    fn finish<'a>(&'a mut self, sf: &'a ShakenFist) -> BoxFuture<'a, Result<Option<E::Output>, Error>> {
        Box::pin(async move {
            // Kept: it may be asked for again.
            let Some(done) = self.done.clone() else { return Ok(None) };
            self.end.result(sf, done).await.map(Some)
        })
    }

    fn cancel<'a>(&'a mut self, sf: &'a ShakenFist) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(delete(sf, &self.uuid))
    }
}

/// `complete`, and yet a step says that it didn't work.
fn refused(done: &types::AgentOperation) -> Option<Error> {
    let worked = done.results.values().all(|result| result.result != Some(false));
    (!worked).then(|| failed(done, ErrorKind::OperationFailed))
}

/// Why it failed, in the words of whoever says most.
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

/// The operation itself is the result.
struct Whole;

impl End for Whole {
    type Output = AgentOperation;
    const KIND: &'static str = "agent-operation";

    fn result<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        data: types::AgentOperation,
    ) -> BoxFuture<'a, Result<AgentOperation, Error>> {
        Box::pin(async move { Ok(AgentOperation::new(sf, data)) })
    }
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<AgentOperation>> {
    AgentWork::resume(sf, ticket, Whole)
}

/// An answer that lacks what it should have.
pub(super) fn incomplete(what: &str) -> Error {
    Error::new(ErrorKind::BadReply, format!("the results of the agent lack {what}"))
        .with(|e| e.sent = Sent::Yes)
}
