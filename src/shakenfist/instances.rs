//! Lists of instances.

use super::delete::AllDeleted;
use super::reply::open;
use super::work::Polled;
use super::{Instance, InstanceState, ShakenFist, types};
use crate::error::Error;
use crate::page::{List, Page};
use crate::wait::Action;

/// Which instances; from [`ShakenFist::instances`].
///
/// ```no_run
/// # use windlass::shakenfist::{InstanceState, ShakenFist};
/// # async fn demo(sf: ShakenFist) -> windlass::Result<()> {
/// for failed in sf.instances().state(InstanceState::Error).list().all().await? {
///     println!("{}: {:?}", failed.name, failed.error_message);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is fetched before the list is read"]
pub struct Instances {
    sf: ShakenFist,
    deleted: bool,
    state: Option<InstanceState>,
    namespace: Option<String>,
}

impl ShakenFist {
    /// The instances of the namespace, to be narrowed down and listed. The namespace `system` sees those of all.
    pub fn instances(&self) -> Instances {
        Instances { sf: self.clone(), deleted: false, state: None, namespace: None }
    }
}

impl Instances {
    /// Deleted ones, too, for as long as the server remembers them.
    pub fn with_deleted(mut self) -> Self {
        self.deleted = true;
        self
    }

    /// Only those in this state. The server can't be asked for it: the answer is looked through here.
    pub fn state(mut self, state: InstanceState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only those of this namespace: for the key of the namespace `system`, which sees all. Looked through here, too.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// The list as a stream. There is no paging: one request brings all.
    pub fn list(self) -> List<Instance> {
        List::new(move |_| {
            let query = self.clone();
            Box::pin(async move { Ok(Page::only(query.fetch().await?)) })
        })
    }

    async fn fetch(self) -> Result<Vec<Instance>, Error> {
        let call = self.sf.call();
        let query = types::InstancesQuery { all: self.deleted.then_some(true) };
        let result = call.instances_list().body(query).send().await;
        let all = open(&call, result).await?.0.into_iter();
        let wanted = |instance: &types::Instance| {
            self.state.as_ref().is_none_or(|state| *state == instance.state)
                && self.namespace.as_ref().is_none_or(|name| *name == instance.namespace)
        };
        Ok(all.filter(wanted).map(|data| Instance::new(&self.sf, data)).collect())
    }

    /// Deletes **all** instances of the namespace; gives the UUIDs of those that were there, once they are gone.
    ///
    /// Which ones can't be chosen: of what was narrowed down, only [`namespace`](Self::namespace) counts, and the key of
    /// the namespace `system` must name one.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let gone = sf.instances().delete_all().await?;
    /// println!("{} instances deleted", gone.len());
    /// # Ok(()) }
    /// ```
    pub fn delete_all(self) -> Action<Vec<String>> {
        Action::new(async move {
            if self.state.is_some() {
                return Err(Error::invalid("state", "can't choose what is deleted: all are"));
            }
            let call = self.sf.call();
            let request = types::InstancesDelete { confirm: true, namespace: self.namespace };
            let result = call.instances_delete().body(request).send().await;
            let uuids = open(&call, result).await?.0;
            Ok(Polled::operation(&self.sf, AllDeleted::new(uuids)))
        })
    }
}
