//! Background operations of any client: listing them, and a handle on one.

use super::completion::Whole;
use super::work::IncusWork;
use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::{Incus, Status, operation, types};
use crate::stream::list::List;
use crate::wait::{Operation, into_future};

handle! {
    /// A background operation of the server: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # use windlass::incus::Incus;
    /// # async fn demo(incus: Incus, id: String) -> windlass::Result<()> {
    /// let ended = incus.operation(id).wait().await?;
    /// println!("{}", ended.status);
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/rest-api/#background-operation>
    BackgroundOperation<types::Operation> of incus: Incus;
    /// A handle on an operation of which only the id is known; from [`Incus::operation`].
    OperationRef
}

identified! {
    types::Operation: id;
}

/// A query for operations; from [`Incus::operations`]. `.await` it for a `Vec`, or read it with
/// [`stream`](Self::stream).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Operations {
    incus: Incus,
    status: Option<Status>,
    all_projects: bool,
}

impl Incus {
    /// The operations that the server knows: those that run, and those that ended within the last five seconds. In a
    /// cluster, those of all members.
    ///
    /// ```no_run
    /// # use windlass::incus::{Incus, Status};
    /// # async fn demo(incus: Incus) -> windlass::Result<()> {
    /// for operation in incus.operations().status(Status::Running).all_projects().await? {
    ///     println!("{} on {}: {}", operation.id, operation.location, operation.description);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn operations(&self) -> Operations {
        Operations { incus: self.clone(), status: None, all_projects: false }
    }

    /// A handle on an operation, without a request.
    pub fn operation(&self, id: impl Into<String>) -> OperationRef {
        BackgroundOperation::new(self, Id::new(id))
    }
}

impl Operations {
    /// Only operations in this state. The server can't filter them, so this is done here.
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// Operations of every project.
    pub fn all_projects(mut self) -> Self {
        self.all_projects = true;
        self
    }

    /// The list as a stream. Incus has no paging: one request fetches everything.
    pub fn stream(self) -> List<BackgroundOperation> {
        List::once(self.fetch())
    }

    async fn fetch(self) -> Result<Vec<BackgroundOperation>, Error> {
        let list = self.incus.raw().operations_list();
        let list = if self.all_projects { list.all_projects(true) } else { list };
        let all = list.send().await?;
        let wanted = |operation: &types::Operation| {
            self.status.as_ref().is_none_or(|status| *status == operation.status)
        };
        let wanted = all.into_values().flatten().filter(wanted);
        Ok(wanted.map(|data| BackgroundOperation::new(&self.incus, data)).collect())
    }
}

into_future!(Operations => Vec<BackgroundOperation>: |it| it.fetch().await);

impl<D: Identified> BackgroundOperation<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the operation.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) from five seconds after its end on.
    pub async fn get(&self) -> Result<BackgroundOperation, Error> {
        Ok(BackgroundOperation::new(&self.incus, operation::get(&self.incus, self.id()).await?))
    }

    /// Waits for its end. The result is the successful operation; its metadata hold what it brought.
    pub fn wait(&self) -> Operation<types::Operation> {
        IncusWork::resumed(&self.incus, self.id(), Whole)
    }

    /// Asks the server to stop the work.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) for the many kinds of work that can't be stopped.
    pub async fn cancel(&self) -> Result<(), Error> {
        operation::cancel(&self.incus, self.id()).await
    }
}
