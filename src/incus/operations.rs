//! Background operations, whoever began them: listing them, and a handle on one.

use std::fmt;
use std::future::IntoFuture;

use super::ending::Whole;
use super::work::IncusWork;
use super::{Incus, Status, operation, types};
use crate::error::Error;
use crate::stream::list::{List, Page};
use crate::wait::{BoxFuture, Operation};

/// Which operations; from [`Incus::operations`]. `.await` it for all of them, or read the [`list`](Self::list).
#[derive(Debug, Clone)]
#[must_use = "nothing is fetched before the list is read"]
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

    /// A handle on an operation, by its id, without asking the server.
    ///
    /// ```no_run
    /// # use windlass::incus::{Incus, types};
    /// # async fn demo(incus: Incus, id: String) -> windlass::Result<()> {
    /// let ended: types::Operation = incus.operation(id).wait().await?;
    /// println!("{}", ended.status);
    /// # Ok(()) }
    /// ```
    pub fn operation(&self, id: impl Into<String>) -> OperationRef {
        OperationRef { incus: self.clone(), id: id.into() }
    }
}

impl Operations {
    /// Only those in this state.
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// Those of every project.
    pub fn all_projects(mut self) -> Self {
        self.all_projects = true;
        self
    }

    /// The list as a stream. Incus has no paging: one request brings all.
    pub fn list(self) -> List<types::Operation> {
        List::new(move |_| {
            let query = self.clone();
            Box::pin(async move { Ok(Page::only(query.fetch().await?)) })
        })
    }

    async fn fetch(self) -> Result<Vec<types::Operation>, Error> {
        let list = self.incus.raw().operations_list();
        let list = if self.all_projects { list.all_projects(true) } else { list };
        let all = list.send().await?;
        let wanted = |operation: &types::Operation| {
            self.status.as_ref().is_none_or(|status| *status == operation.status)
        };
        Ok(all.into_values().flatten().filter(wanted).collect())
    }
}

impl IntoFuture for Operations {
    type Output = Result<Vec<types::Operation>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.fetch())
    }
}

/// A handle on an operation of which only the id is known; from [`Incus::operation`].
#[derive(Clone)]
pub struct OperationRef {
    incus: Incus,
    id: String,
}

impl fmt::Debug for OperationRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OperationRef").field(&self.id).finish()
    }
}

impl OperationRef {
    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads the operation. [`Error::is_not_found`] from five seconds after its end on.
    pub async fn get(&self) -> Result<types::Operation, Error> {
        operation::get(&self.incus, &self.id).await
    }

    /// Waits for its end. The result is the operation as it ended well; its metadata hold what it brought.
    pub fn wait(&self) -> Operation<types::Operation> {
        IncusWork::resumed(&self.incus, &self.id, Whole)
    }

    /// Asks the server to stop the work. Many kinds of work can't be stopped: that is an error of
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    pub async fn cancel(&self) -> Result<(), Error> {
        operation::cancel(&self.incus, &self.id).await
    }
}
