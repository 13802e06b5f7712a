//! Moving an instance within its server or cluster.

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::operation::completion::Completion;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, Instance, InstanceRef, types};
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{BoxFuture, Operation, into_future};

impl<D: Identified> Instance<D> {
    /// Moves it on its server, to another pool or project, or in its cluster, to another member. It must be stopped.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let web = web.relocate().member("n2").await?;
    /// let web = web.relocate().pool("fast").await?;
    /// let web = web.relocate().project("blue").name("shop").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The result is the instance at its new place; this handle still has the old one. To another server:
    /// [`move_to`](Self::move_to).
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/move_instances/>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it runs,
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken there,
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) without a place to go to.
    pub fn relocate(&self) -> Relocate {
        Relocate { instance: self.reference(), migrate: types::InstanceMigrate::new(true), member: None }
    }
}

/// A move within a server or cluster; from [`Instance::relocate`].
///
/// `.await` it for the instance at its new place, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Relocate {
    instance: InstanceRef,
    migrate: types::InstanceMigrate,
    member: Option<String>,
}

impl Relocate {
    /// To this member of the cluster.
    pub fn member(mut self, name: impl Into<String>) -> Self {
        self.member = Some(name.into());
        self
    }

    /// To this storage pool.
    pub fn pool(mut self, name: impl Into<String>) -> Self {
        self.migrate.pool = name.into();
        self
    }

    /// To this project.
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.migrate.project = name.into();
        self
    }

    /// Under this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.migrate.name = name.into();
        self
    }

    /// Leaves its snapshots behind: they are lost.
    pub fn instance_only(mut self) -> Self {
        self.migrate.instance_only = true;
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Instance::relocate`].
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        self.instance.label("instance_migrate").watch(self.sent()).await
    }

    async fn sent(mut self) -> Result<Operation<Instance>, Error> {
        let migrate = &self.migrate;
        if self.member.is_none() && migrate.pool.is_empty() && migrate.project.is_empty() {
            return Err(Error::invalid("relocate", "needs a member, a pool or a project to go to"));
        }
        if self.migrate.name.is_empty() {
            self.migrate.name = self.instance.name().to_owned();
        }
        checked("name", &self.migrate.name)?;
        let moved = self.ending();
        let Self { instance, migrate, member } = self;
        let request = instance.incus.raw().instance_migrate().name(instance.name()).body(migrate);
        let request = match member {
            Some(member) => request.target(member),
            None => request,
        };
        Ok(IncusWork::accepted(&instance.incus, request.send().await?, moved))
    }

    fn ending(&self) -> Moved {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Moved {
            from: self.instance.name().to_owned(),
            name: self.migrate.name.clone(),
            project: given(&self.migrate.project),
            pool: given(&self.migrate.pool),
            member: self.member.clone(),
        }
    }
}

into_future!(Relocate => Instance: send);

/// Ends in the instance at its new place.
struct Moved {
    from: String,
    name: String,
    project: Option<String>,
    pool: Option<String>,
    member: Option<String>,
}

impl Moved {
    fn there(&self, incus: &Incus) -> InstanceRef {
        match &self.project {
            Some(project) => incus.project(project).instance(&self.name),
            None => incus.instance(&self.name),
        }
    }

    /// Whether the move ended where it was to.
    fn is_at(&self, instance: &types::Instance) -> bool {
        let root = instance.expanded_devices.values().find(|device| is_root(device));
        let pool = root.and_then(|device| device.get("pool"));
        self.member.as_ref().is_none_or(|member| instance.location == *member)
            && self.pool.as_ref().is_none_or(|wanted| pool == Some(wanted))
    }

    /// The new place alone proves nothing: another instance may have been there all along.
    async fn left(&self, incus: &Incus) -> Result<bool, Error> {
        let home = incus.own_project().unwrap_or("default");
        let stays = self.name == self.from && self.project.as_deref().is_none_or(|project| project == home);
        if stays {
            return Ok(true);
        }
        match incus.instance(&self.from).get().await {
            Ok(_) => Ok(false),
            Err(e) => e.absence().map(|()| true),
        }
    }
}

fn is_root(device: &std::collections::BTreeMap<String, String>) -> bool {
    device.get("type").is_some_and(|kind| kind == "disk")
        && device.get("path").is_some_and(|path| path == "/")
}

impl Completion for Moved {
    type Output = Instance;

    fn ticket(&self, id: &str) -> Ticket {
        let ticket = Ticket::new("incus", "move", id).with("from", &self.from).with("name", &self.name);
        let places = [("to-project", &self.project), ("pool", &self.pool), ("member", &self.member)];
        places.into_iter().fold(ticket, |ticket, (key, place)| match place {
            Some(place) => ticket.with(key, place),
            None => ticket,
        })
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        _: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Instance, Error>> {
        Box::pin(async { self.there(incus).get().await })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        Box::pin(async {
            match self.there(incus).get().await {
                Ok(instance) if self.is_at(&instance) => Ok(self.left(incus).await?.then_some(instance)),
                Ok(_) => Ok(None),
                Err(e) if e.is_not_found() => Ok(None),
                Err(e) => Err(e),
            }
        })
    }
}

pub(in crate::incus) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Instance>> {
    if ticket.kind != "move" {
        return None;
    }
    let fact = |key: &str| ticket.fact(key).map(str::to_owned);
    let moved = Moved {
        from: fact("from")?,
        name: fact("name")?,
        project: fact("to-project"),
        pool: fact("pool"),
        member: fact("member"),
    };
    Some(IncusWork::resumed(incus, ticket.id(), moved))
}
