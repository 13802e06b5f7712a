//! Lists of instances.

use std::fmt;
use std::marker::PhantomData;

use super::labels;
use crate::error::Error;
use crate::handle::Id;
use crate::incus::{Incus, Instance, InstanceType, Status, types};
use crate::stream::list::List;
use crate::wait::{BoxFuture, into_future};

/// A query for instances; from [`Incus::instances`].
///
/// ```no_run
/// # use windlass::incus::{Incus, InstanceType, Status};
/// # async fn demo(incus: Incus) -> windlass::Result<()> {
/// let machines = incus.instances().instance_type(InstanceType::VirtualMachine).all_projects();
/// for machine in machines.status(Status::Running).await? {
///     println!("{}/{}", machine.project, machine.name);
/// }
/// # Ok(()) }
/// ```
///
/// `.await` it for a `Vec`, or read it with [`stream`](Self::stream). `D` says what is known of each instance: see
/// [`full`](Self::full) and [`names`](Self::names).
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/rest-api/#filtering>
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Instances<D = types::Instance> {
    incus: Incus,
    filters: Filters,
    known: PhantomData<fn() -> D>,
}

#[derive(Debug, Clone, Default)]
struct Filters {
    /// In the server's own language.
    conditions: Vec<String>,
    labels: Vec<(String, String)>,
    kind: Option<InstanceType>,
    all_projects: bool,
}

impl Incus {
    /// The instances of the project: a query to narrow down and `.await`.
    pub fn instances(&self) -> Instances {
        Instances { incus: self.clone(), filters: Filters::default(), known: PhantomData }
    }
}

impl<D> Instances<D> {
    /// Only instances in this state.
    pub fn status(self, status: Status) -> Self {
        self.filter(format!("status eq {status}"))
    }

    /// Only instances with this label: the configuration key `user.<key>` has exactly this value.
    ///
    /// Repeated calls are ANDed. [`Launch::label`](crate::incus::Launch::label) sets a label.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let shops = incus.instances().label("role", "shop").await?;
    /// # Ok(()) }
    /// ```
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.filters.labels.push((key.into(), value.into()));
        self
    }

    /// Only instances that meet a condition in the server's own language, for example `name eq ^web` or
    /// `config.user.role eq db`. Repeated calls are ANDed.
    ///
    /// The server takes values for regular expressions and ignores case.
    pub fn filter(mut self, condition: impl Into<String>) -> Self {
        self.filters.conditions.push(condition.into());
        self
    }

    /// Only containers, or only virtual machines.
    ///
    /// Servers of generation 7.0 ignore this filter, so the answer is filtered again here.
    pub fn instance_type(mut self, kind: InstanceType) -> Self {
        self.filters.kind = Some(kind);
        self
    }

    /// Instances of every project. Their handles know their project.
    pub fn all_projects(mut self) -> Self {
        self.filters.all_projects = true;
        self
    }

    /// The same query with each instance's state, snapshots and backups. Slow: the server looks into every instance.
    pub fn full(self) -> Instances<types::InstanceFull> {
        self.knowing()
    }

    /// The same query for names only: the cheapest list.
    ///
    /// With [`label`](Self::label) or [`instance_type`](Self::instance_type) it costs as much as the usual one.
    pub fn names(self) -> Instances<Id> {
        self.knowing()
    }

    fn knowing<K>(self) -> Instances<K> {
        Instances { incus: self.incus, filters: self.filters, known: PhantomData }
    }
}

#[allow(private_bounds)] // only three types are listed
impl<D: Listed> Instances<D> {
    /// The list as a stream. Incus has no paging: one request fetches everything.
    pub fn stream(self) -> List<Instance<D>> {
        List::once(D::fetch(self))
    }
}

/// The three lists take the same parameters but are three types.
macro_rules! narrowed {
    ($list:expr, $filters:expr) => {{
        let list = $list;
        let condition = $filters.condition();
        let list = if condition.is_empty() { list } else { list.filter(condition) };
        let list = match &$filters.kind {
            Some(kind) => list.instance_type(kind.clone()),
            None => list,
        };
        if $filters.all_projects { list.all_projects(true) } else { list }
    }};
}

impl Filters {
    /// All conditions as one.
    fn condition(&self) -> String {
        let labels = self.labels.iter().filter_map(|(key, value)| labels::condition(key, value));
        let all: Vec<String> = self.conditions.iter().cloned().chain(labels).collect();
        all.join(" and ")
    }

    /// What the server doesn't check, or not exactly.
    fn keep(&self, instance: &impl Listable) -> bool {
        let has = |(key, value): &(String, String)| {
            instance.config().get(&labels::config_key(key)).is_some_and(|found| found == value)
        };
        self.kind.as_ref().is_none_or(|kind| kind == instance.kind()) && self.labels.iter().all(has)
    }
}

/// What a list can know of each instance.
trait Listed: Sized + Send + 'static {
    fn fetch(query: Instances<Self>) -> BoxFuture<'static, Result<Vec<Instance<Self>>, Error>>;
}

impl Listed for types::Instance {
    fn fetch(query: Instances) -> BoxFuture<'static, Result<Vec<Instance>, Error>> {
        Box::pin(async move {
            let list = narrowed!(query.incus.raw().instances_list(), query.filters);
            Ok(query.kept(list.send().await?))
        })
    }
}

impl Listed for types::InstanceFull {
    fn fetch(query: Instances<Self>) -> BoxFuture<'static, Result<Vec<Instance<Self>>, Error>> {
        Box::pin(async move {
            let list = narrowed!(query.incus.raw().instances_list_full(), query.filters);
            Ok(query.kept(list.send().await?))
        })
    }
}

impl Listed for Id {
    fn fetch(query: Instances<Self>) -> BoxFuture<'static, Result<Vec<Instance<Self>>, Error>> {
        Box::pin(async move {
            // URLs tell neither type nor labels.
            if query.filters.kind.is_some() || !query.filters.labels.is_empty() {
                let found = types::Instance::fetch(query.knowing()).await?;
                return Ok(found.iter().map(Instance::reference).collect());
            }
            let urls = narrowed!(query.incus.raw().instances_names(), query.filters).send().await?;
            Ok(urls.iter().filter_map(|url| query.handle(url)).collect())
        })
    }
}

impl<D> Instances<D> {
    fn kept(&self, mut data: Vec<D>) -> Vec<Instance<D>>
    where
        D: Listable,
    {
        data.retain(|data| self.filters.keep(data));
        data.into_iter().map(|data| Instance::new(&self.home(data.project()), data)).collect()
    }

    /// `/1.0/instances/web?project=blue`
    fn handle(&self, url: &str) -> Option<Instance<Id>> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let name = path.rsplit('/').next()?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let project = pairs.find(|(key, _)| key == "project").map(|(_, value)| value.into_owned());
        // URLs leave the default project out.
        let unnamed = if self.filters.all_projects { "default" } else { "" };
        Some(self.home(project.as_deref().unwrap_or(unnamed)).instance(name))
    }

    /// A client for the project that an instance belongs to.
    fn home(&self, project: &str) -> Incus {
        let own = self.incus.own_project().unwrap_or("default");
        if project.is_empty() || project == own { self.incus.clone() } else { self.incus.project(project) }
    }
}

/// What filters look at.
trait Listable {
    fn project(&self) -> &str;
    fn kind(&self) -> &InstanceType;
    fn config(&self) -> &std::collections::BTreeMap<String, String>;
}

macro_rules! listable {
    ($($data:ty),*) => {$(
        impl Listable for $data {
            fn project(&self) -> &str {
                &self.project
            }

            fn kind(&self) -> &InstanceType {
                &self.type_
            }

            fn config(&self) -> &std::collections::BTreeMap<String, String> {
                &self.config
            }
        }
    )*};
}

listable!(types::Instance, types::InstanceFull);

impl<D> Clone for Instances<D> {
    fn clone(&self) -> Self {
        Self { incus: self.incus.clone(), filters: self.filters.clone(), known: PhantomData }
    }
}

impl<D> fmt::Debug for Instances<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instances")
            .field("incus", &self.incus)
            .field("filters", &self.filters)
            .finish_non_exhaustive()
    }
}

into_future!([D: Listed] Instances<D> => Vec<Instance<D>>: |query| D::fetch(query).await);
