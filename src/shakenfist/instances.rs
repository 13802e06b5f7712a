//! Lists of instances.

use super::delete::{self, AllDeleted};
use super::poll;
use super::{Instance, InstanceState, ShakenFist, lost_answer, types};
use serde_json::Value;

use crate::error::Error;
use crate::stream::List;
use crate::wait::{Action, into_future};

/// Which instances; from [`ShakenFist::instances`].
///
/// ```no_run
/// # use windlass::shakenfist::{InstanceState, ShakenFist};
/// # async fn demo(sf: ShakenFist) -> windlass::Result<()> {
/// for failed in sf.instances().state(InstanceState::Error).await? {
///     println!("{}: {:?}", failed.name, failed.error_message);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Instances {
    sf: ShakenFist,
    deleted: bool,
    state: Option<InstanceState>,
    namespace: Option<String>,
    labels: Vec<(String, Value)>,
}

impl ShakenFist {
    /// The instances of the namespace, to be narrowed down and listed. The namespace `system` sees those of all.
    pub fn instances(&self) -> Instances {
        Instances { sf: self.clone(), deleted: false, state: None, namespace: None, labels: Vec::new() }
    }
}

impl Instances {
    /// Deleted ones, too, for as long as the server remembers them.
    ///
    /// Without it the server reads the list from an index of states, which now and then misses an instance that is just
    /// changing its state. To be sure that one is gone, [`get`](Instance::get) it.
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

    /// Only those whose metadata has this value for this key. Looked through here, too. Repeated calls must all fit.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// The list as a stream. There is no paging: one request brings all.
    pub fn stream(self) -> List<Instance> {
        List::once(async move { self.fetch().await })
    }

    async fn fetch(self) -> Result<Vec<Instance>, Error> {
        let query = types::InstancesQuery { all: self.deleted.then_some(true) };
        let all = self.sf.raw().instances_list().body(query).send().await?.0.into_iter();
        let wanted = |instance: &types::Instance| {
            self.state.as_ref().is_none_or(|state| *state == instance.state)
                && self.namespace.as_ref().is_none_or(|name| *name == instance.namespace)
                && self.labels.iter().all(|(key, value)| instance.metadata.get(key) == Some(value))
        };
        Ok(all.filter(wanted).map(|data| Instance::new(&self.sf, data)).collect())
    }

    /// Deletes **all** instances of the namespace; gives the UUIDs of those that were there, once they are gone.
    ///
    /// Each is looked at by itself until it is gone; those that were deleted before aren't among the UUIDs. Where the answer
    /// is lost, the instances show whether they are being deleted.
    ///
    /// Which ones can't be chosen: of what was narrowed down, only [`namespace`](Self::namespace) counts, and the key of
    /// the namespace `system` must name one. **Naming `system` itself deletes the instances of all namespaces.**
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let gone = sf.instances().delete_all().await?;
    /// println!("{} instances deleted", gone.len());
    /// # Ok(()) }
    /// ```
    pub fn delete_all(self) -> Action<Vec<String>> {
        Action::new(async move {
            let chosen = [("state", self.state.is_some()), ("label", !self.labels.is_empty())];
            if let Some((filter, _)) = chosen.iter().find(|(_, set)| *set) {
                return Err(Error::invalid(*filter, "can't choose what is deleted: all are"));
            }
            let (there, gone) = self.present_and_gone().await?;
            let request = types::InstancesDelete { confirm: true, namespace: self.namespace };
            let uuids = match self.sf.raw().instances_delete().body(request).send().await {
                // Some servers name those, too, that were deleted before.
                Ok(uuids) => uuids.0.into_iter().filter(|uuid| !gone.contains(uuid)).collect(),
                Err(e) if lost_answer::is_open(&e) && !there.is_empty() => {
                    delete::all_begun(&self.sf, &there, e).await?;
                    there
                }
                Err(e) => return Err(e),
            };
            Ok(poll::operation(&self.sf, AllDeleted::new(uuids)))
        })
    }

    /// The UUIDs of the namespace's instances, and of those that are already deleted.
    async fn present_and_gone(&self) -> Result<(Vec<String>, Vec<String>), Error> {
        let namespace = self.namespace.as_deref().unwrap_or(self.sf.namespace());
        let mut all = self.sf.instances().with_deleted();
        // To the server this one stands for all.
        if namespace != "system" {
            all = all.namespace(namespace);
        }
        let all = all.await?;
        let (gone, there): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|it| it.state == InstanceState::Deleted);
        let uuids = |all: Vec<Instance>| all.into_iter().map(|it| it.uuid.clone()).collect();
        Ok((uuids(there), uuids(gone)))
    }
}

into_future!(Instances => Vec<Instance>: |query| query.fetch().await);
