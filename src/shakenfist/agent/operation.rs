//! Agent operations: orders that the agent has got.

use super::operation_goal::{self, OperationEnded, Purpose};
use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::instance::{Instance, InstanceRef};
use crate::shakenfist::{poll, types};
use crate::stream::list::List;
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation, Until, into_future};

identified! { types::AgentOperation: uuid; }

handle! {
    /// An order to the agent: typed data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/agentoperations/>
    AgentOperation<types::AgentOperation> of sf: ShakenFist;
    /// A handle on an agent operation of which only the UUID is known.
    AgentOperationRef
}

impl ShakenFist {
    /// A handle on an agent operation, by its UUID. Sends nothing.
    pub fn agent_operation(&self, uuid: impl Into<String>) -> AgentOperationRef {
        AgentOperation::new(self, Id::new(uuid))
    }
}

/// An instance's agent operations; from [`Instance::agent_operations`]. `.await` it for a `Vec`, or take the
/// [`stream`](Self::stream).
///
/// ```no_run
/// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
/// for operation in web.agent_operations().with_done().await? {
///     println!("{} {}", operation.uuid, operation.state);
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Those of [every request](crate::ShakenFist#errors).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct AgentOperations {
    instance: InstanceRef,
    done: bool,
}

impl<D: Identified> Instance<D> {
    /// The instance's agent operations that are still queued.
    pub fn agent_operations(&self) -> AgentOperations {
        AgentOperations { instance: self.reference(), done: false }
    }
}

impl AgentOperations {
    /// Those that are done, too. [`Unsupported`](crate::ErrorKind::Unsupported) on servers that can't list them.
    pub fn with_done(mut self) -> Self {
        self.done = true;
        self
    }

    /// The list as a stream. The API has no pages: one request brings all.
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

    /// Reads the operation. A deleted one is found, too, in the state `deleted`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every
    /// request](crate::ShakenFist#errors).
    pub async fn get(&self) -> Result<AgentOperation, Error> {
        Ok(AgentOperation::new(&self.sf, operation_goal::get(&self.sf, self.id()).await?))
    }

    /// Deletes the operation. A command that the guest already runs keeps running.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every
    /// request](crate::ShakenFist#errors).
    pub async fn delete(&self) -> Result<(), Error> {
        operation_goal::delete(&self.sf, self.id()).await
    }

    /// Waits until the operation has ended. Another client may have started it.
    ///
    /// # Errors
    ///
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) if it failed or expired,
    /// [`Cancelled`](crate::ErrorKind::Cancelled) if it was deleted, and those of the wait
    /// ([`WaitEnd`](crate::WaitEnd)).
    pub fn until_ended(&self) -> Until<AgentOperation> {
        poll::until(&self.sf, OperationEnded::new(self.id().to_owned(), Whole))
    }
}

/// The result is the operation itself.
struct Whole;

impl Purpose for Whole {
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

pub(in crate::shakenfist) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<AgentOperation>> {
    OperationEnded::resume(sf, ticket, Whole)
}
