//! Lists of instances.

use super::state::BulkStateChange;
use super::{Incus, Instance, InstanceRef, InstanceType, StateAction, Status, types};
use crate::error::Error;
use crate::stream::list::{List, Page};

/// Which instances; from [`Incus::instances`].
///
/// ```no_run
/// # use windlass::incus::{Incus, InstanceType, Status};
/// # async fn demo(incus: Incus) -> windlass::Result<()> {
/// let machines = incus.instances().instance_type(InstanceType::VirtualMachine).all_projects();
/// for machine in machines.status(Status::Running).list().all().await? {
///     println!("{}/{}", machine.project, machine.name);
/// }
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/rest-api/#filtering>
#[derive(Debug, Clone)]
#[must_use = "nothing is fetched before the list is read"]
pub struct Instances {
    incus: Incus,
    conditions: Vec<String>,
    kind: Option<InstanceType>,
    all_projects: bool,
}

impl Incus {
    /// The instances of the project, to be narrowed down and listed.
    pub fn instances(&self) -> Instances {
        Instances { incus: self.clone(), conditions: Vec::new(), kind: None, all_projects: false }
    }
}

/// The three lists take the same parameters but are three types.
macro_rules! query {
    ($list:expr, $query:expr) => {{
        let list = $list;
        let list = match $query.conditions.is_empty() {
            true => list,
            false => list.filter($query.conditions.join(" and ")),
        };
        let list = match &$query.kind {
            Some(kind) => list.instance_type(kind.clone()),
            None => list,
        };
        match $query.all_projects {
            true => list.all_projects(true),
            false => list,
        }
    }};
}

impl Instances {
    /// Only those in this state.
    pub fn status(self, status: Status) -> Self {
        self.filter(format!("status eq {status}"))
    }

    /// Only those that meet a condition in the server's own language, as `name eq ^web` or
    /// `config.user.role eq db`. Several conditions must all be met.
    pub fn filter(mut self, condition: impl Into<String>) -> Self {
        self.conditions.push(condition.into());
        self
    }

    /// Only containers, or only virtual machines.
    ///
    /// Holds on servers of generation 7.0 too, which ignore the question: the answer is looked through again here.
    pub fn instance_type(mut self, kind: InstanceType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Those of every project. The handles know their own.
    pub fn all_projects(mut self) -> Self {
        self.all_projects = true;
        self
    }

    /// The list as a stream. Incus has no paging: one request brings all.
    pub fn list(self) -> List<Instance> {
        List::new(move |_| {
            let query = self.clone();
            Box::pin(async move {
                Ok(Page::only(query.own(query!(query.incus.raw().instances_list(), query).send().await?)))
            })
        })
    }

    /// The list with each instance's state, snapshots and backups. Slow: the server looks into every instance.
    pub fn list_full(self) -> List<Instance<types::InstanceFull>> {
        List::new(move |_| {
            let query = self.clone();
            Box::pin(async move {
                Ok(Page::only(
                    query.own(query!(query.incus.raw().instances_list_full(), query).send().await?),
                ))
            })
        })
    }

    /// Handles on the instances, without their data: the cheapest list.
    pub async fn names(self) -> Result<Vec<InstanceRef>, Error> {
        if self.kind.is_some() {
            // URLs don't tell the type.
            return Ok(self.list().all().await?.iter().map(Instance::named).collect());
        }
        let urls = query!(self.incus.raw().instances_names(), self).send().await?;
        Ok(urls.iter().filter_map(|url| self.handle(url)).collect())
    }

    /// Starts all instances of the project that are stopped.
    pub fn start_all(self) -> BulkStateChange {
        BulkStateChange::new(self.incus, StateAction::Start)
    }

    /// Stops all instances of the project that run.
    pub fn stop_all(self) -> BulkStateChange {
        BulkStateChange::new(self.incus, StateAction::Stop)
    }

    /// Freezes all instances of the project that run.
    pub fn freeze_all(self) -> BulkStateChange {
        BulkStateChange::new(self.incus, StateAction::Freeze)
    }

    /// Unfreezes all instances of the project that are frozen.
    pub fn unfreeze_all(self) -> BulkStateChange {
        BulkStateChange::new(self.incus, StateAction::Unfreeze)
    }

    /// Restarts all instances of the project that run.
    pub fn restart_all(self) -> BulkStateChange {
        BulkStateChange::new(self.incus, StateAction::Restart)
    }

    fn own<D: Projected>(&self, mut data: Vec<D>) -> Vec<Instance<D>> {
        if let Some(kind) = &self.kind {
            data.retain(|data| kind == data.kind());
        }
        data.into_iter().map(|data| Instance::new(&self.home(data.project()), data)).collect()
    }

    /// `/1.0/instances/web?project=blue`
    fn handle(&self, url: &str) -> Option<InstanceRef> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let name = path.rsplit('/').next()?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let project = pairs.find(|(key, _)| key == "project").map(|(_, value)| value.into_owned());
        // The default project is not named in URLs.
        let unnamed = if self.all_projects { "default" } else { "" };
        Some(self.home(project.as_deref().unwrap_or(unnamed)).instance(name))
    }

    /// A client for the project that an instance belongs to.
    fn home(&self, project: &str) -> Incus {
        let own = self.incus.own_project().unwrap_or("default");
        if project.is_empty() || project == own { self.incus.clone() } else { self.incus.project(project) }
    }
}

trait Projected {
    fn project(&self) -> &str;
    fn kind(&self) -> &InstanceType;
}

impl Projected for types::Instance {
    fn project(&self) -> &str {
        &self.project
    }

    fn kind(&self) -> &InstanceType {
        &self.type_
    }
}

impl Projected for types::InstanceFull {
    fn project(&self) -> &str {
        &self.project
    }

    fn kind(&self) -> &InstanceType {
        &self.type_
    }
}
