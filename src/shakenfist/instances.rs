//! Lists of instances.

use serde_json::Value;

use super::client::ShakenFist;
use super::instance::Instance;
use super::types::{self, InstanceState};
use crate::error::Error;
use crate::stream::list::List;
use crate::wait::into_future;

/// Instances of the namespace; from [`ShakenFist::instances`]. `.await` it for a `Vec`, or take the
/// [`stream`](Self::stream).
///
/// ```no_run
/// # use windlass::shakenfist::{InstanceState, ShakenFist};
/// # async fn demo(sf: ShakenFist) -> windlass::Result<()> {
/// for failed in sf.instances().state(InstanceState::Error).await? {
///     println!("{}: {:?}", failed.name, failed.error_message);
/// }
/// # Ok(()) }
/// ```
///
/// The server has no filters: those of this type look through its answer.
///
/// # Errors
///
/// Those of [every request](crate::ShakenFist#errors).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Instances {
    pub(super) sf: ShakenFist,
    deleted: bool,
    pub(super) state: Option<InstanceState>,
    pub(super) namespace: Option<String>,
    pub(super) labels: Vec<(String, Value)>,
}

impl ShakenFist {
    /// The instances of the namespace. The namespace `system` sees those of all namespaces.
    pub fn instances(&self) -> Instances {
        Instances { sf: self.clone(), deleted: false, state: None, namespace: None, labels: Vec::new() }
    }
}

impl Instances {
    /// Deleted ones, too, for as long as the server remembers them.
    ///
    /// Without this, the server reads the list from an index of states, which sometimes misses an instance that is
    /// changing its state. To be sure that one is gone, [`get`](Instance::get) it.
    pub fn with_deleted(mut self) -> Self {
        self.deleted = true;
        self
    }

    /// Only those in this state.
    pub fn state(mut self, state: InstanceState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only those of this namespace, for the key of the namespace `system`, which sees all.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// Only those with this label: a key of their metadata, and its value. Repeated calls are ANDed.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let shop = sf.instances().label("role", "shop").await?;
    /// # let _ = shop; Ok(()) }
    /// ```
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// The list as a stream. The API has no pages: one request brings all.
    pub fn stream(self) -> List<Instance> {
        List::once(async move { self.fetch().await })
    }

    async fn fetch(self) -> Result<Vec<Instance>, Error> {
        let query = types::InstancesQuery { all: self.deleted.then_some(true) };
        let all = self.sf.raw().instances_list().body(query).send().await?.0.into_iter();
        Ok(all.filter(|it| self.wants(it)).map(|data| Instance::new(&self.sf, data)).collect())
    }

    fn wants(&self, instance: &types::Instance) -> bool {
        self.state.as_ref().is_none_or(|state| *state == instance.state)
            && self.namespace.as_ref().is_none_or(|name| *name == instance.namespace)
            && self.labels.iter().all(|(key, value)| instance.metadata.get(key) == Some(value))
    }
}

into_future!(Instances => Vec<Instance>: |query| query.fetch().await);
