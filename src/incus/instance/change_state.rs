//! Verbs that change what an instance does: start, stop, restart, freeze, rename, delete.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::handle::runs;
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::incus::operation::completion::{Completion, Plain};
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, Instance, InstanceRef, StateAction, Status, types};
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, BoxFuture, Operation, into_future};

/// A change of state: `.await` it to see it through, or [`send`](Self::send) it and keep the operation.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// web.stop().grace(Duration::from_secs(20)).await?;    // stopped when this returns
/// let operation = web.start().send().await?;            // accepted
/// operation.timeout(Duration::from_secs(60)).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct ChangeState {
    instance: InstanceRef,
    change: types::InstanceStateChange,
}

impl<D: Identified> Instance<D> {
    /// Starts it. One that already runs is an error of [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it runs already.
    pub fn start(&self) -> ChangeState {
        ChangeState::new(self.reference(), StateAction::Start)
    }

    /// Asks it to shut down; see [`ChangeState::force`] and [`ChangeState::grace`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it doesn't run, [`ErrorKind::OperationFailed`] if the guest doesn't shut down in
    /// time.
    pub fn stop(&self) -> ChangeState {
        ChangeState::new(self.reference(), StateAction::Stop)
    }

    /// Stops and starts it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it doesn't run.
    pub fn restart(&self) -> ChangeState {
        ChangeState::new(self.reference(), StateAction::Restart)
    }

    /// Stops giving it processor time; everything stays in memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it doesn't run.
    pub fn freeze(&self) -> ChangeState {
        ChangeState::new(self.reference(), StateAction::Freeze)
    }

    /// Lets a frozen one run again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it isn't frozen.
    pub fn unfreeze(&self) -> ChangeState {
        ChangeState::new(self.reference(), StateAction::Unfreeze)
    }

    /// Gives it another name. It must be stopped.
    ///
    /// The result is the instance under its new name; this handle still has the old one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if the name is taken; an instance that runs fails the operation.
    pub fn rename(&self, to: impl Into<String>) -> Action<Instance> {
        let (instance, to) = (self.reference(), to.into());
        Action::new(async move { rename(instance, to).await })
    }
}

impl ChangeState {
    fn new(instance: InstanceRef, action: StateAction) -> Self {
        Self { instance, change: change(action) }
    }

    /// Pulls the plug instead of asking: for stop and restart.
    pub fn force(mut self) -> Self {
        self.change.force = true;
        self
    }

    /// How long the guest may take to shut down before a stop or restart fails, in whole seconds, at least one.
    ///
    /// 30 seconds if not set. [`Operation::timeout`](crate::Operation::timeout) limits how long we wait for the result.
    pub fn grace(mut self, time: Duration) -> Self {
        self.change.timeout = Some(i64::try_from(time.as_secs().max(1)).unwrap_or(i64::MAX));
        self
    }

    /// Saves the memory on stop and uses it on start.
    pub fn stateful(mut self) -> Self {
        self.change.stateful = true;
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such instance; the operation has the others.
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, change } = self;
        let ending = Reached::by(&change.action, instance.name());
        let request = instance.incus.raw().instance_state_put().name(instance.name()).body(change);
        Ok(ending.accepted(&instance.incus, request.send().await?))
    }
}

into_future!(ChangeState => (): send);

impl Incus {
    /// Starts all stopped instances of the project.
    pub fn start_all(&self) -> ChangeAllStates {
        ChangeAllStates::new(self, StateAction::Start)
    }

    /// Stops all running instances of the project.
    pub fn stop_all(&self) -> ChangeAllStates {
        ChangeAllStates::new(self, StateAction::Stop)
    }

    /// Restarts all running instances of the project.
    pub fn restart_all(&self) -> ChangeAllStates {
        ChangeAllStates::new(self, StateAction::Restart)
    }

    /// Freezes all running instances of the project.
    pub fn freeze_all(&self) -> ChangeAllStates {
        ChangeAllStates::new(self, StateAction::Freeze)
    }

    /// Unfreezes all frozen instances of the project.
    pub fn unfreeze_all(&self) -> ChangeAllStates {
        ChangeAllStates::new(self, StateAction::Unfreeze)
    }
}

/// A change of state of all instances of a project that it applies to; from [`Incus::stop_all`] and the like.
///
/// One operation for all of them: the server gives no result per instance.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct ChangeAllStates {
    incus: Incus,
    change: types::InstanceStateChange,
}

impl ChangeAllStates {
    fn new(incus: &Incus, action: StateAction) -> Self {
        Self { incus: incus.clone(), change: change(action) }
    }

    /// Pulls the plug instead of asking.
    pub fn force(mut self) -> Self {
        self.change.force = true;
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such instance; the operation has the others.
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let body = types::InstancesBulkState::new(self.change);
        let operation = self.incus.raw().instances_bulk_state().body(body).send().await?;
        Ok(IncusWork::accepted(&self.incus, operation, Plain))
    }
}

into_future!(ChangeAllStates => (): send);

fn change(action: StateAction) -> types::InstanceStateChange {
    // The server's own default is no limit for some actions: a stop that hangs must end.
    types::InstanceStateChange { timeout: Some(30), ..types::InstanceStateChange::new(action) }
}

async fn rename(instance: InstanceRef, to: String) -> Result<Operation<Instance>, Error> {
    let body = types::InstanceRename::new(checked("to", &to)?);
    let operation = instance.incus.raw().instance_rename().name(instance.name()).body(body).send().await?;
    let renamed = Renamed { from: instance.name().to_owned(), to };
    Ok(IncusWork::accepted(&instance.incus, operation, renamed))
}

/// The instance is then in some state; for a forgotten operation, that state is the proof.
pub(in crate::incus) struct Reached {
    kind: &'static str,
    name: String,
    /// When the server took the work on.
    since: Option<DateTime<Utc>>,
}

/// What shows that a forgotten operation worked.
enum Proof {
    /// It was started since then, and runs. That it runs proves nothing: a start fails where it ran before.
    StartedSince,
    /// The state is all that was asked for, even if another client brought it about.
    Running,
    Status(Status),
    Absence,
}

impl Reached {
    const KINDS: [&str; 6] = ["start", "stop", "restart", "freeze", "unfreeze", "delete"];

    fn by(action: &StateAction, name: &str) -> Self {
        let index = match action {
            StateAction::Start => 0,
            StateAction::Stop => 1,
            StateAction::Freeze => 3,
            StateAction::Unfreeze => 4,
            _ => 2,
        };
        Self::of_kind(Self::KINDS[index], name)
    }

    pub(in crate::incus) fn absence(name: &str) -> Self {
        Self::of_kind("delete", name)
    }

    fn of_kind(kind: &'static str, name: &str) -> Self {
        Self { kind, name: name.to_owned(), since: None }
    }

    pub(in crate::incus) fn accepted(mut self, incus: &Incus, operation: types::Operation) -> Operation<()> {
        self.since = operation.created_at;
        IncusWork::accepted(incus, operation, self)
    }

    /// It is done already, if it is at all: the instance tells.
    pub(in crate::incus) fn reconciled(self, incus: &Incus) -> Operation<()> {
        IncusWork::found(incus, None, self)
    }

    fn proof(&self) -> Proof {
        match self.kind {
            "start" | "restart" => Proof::StartedSince,
            "unfreeze" => Proof::Running,
            "stop" => Proof::Status(Status::Stopped),
            "freeze" => Proof::Status(Status::Frozen),
            _ => Proof::Absence,
        }
    }

    async fn shown(&self, incus: &Incus) -> Result<(), Error> {
        let proof = self.proof();
        let instance = match incus.instance(&self.name).get().await {
            Ok(instance) => instance,
            Err(e) => {
                e.absence()?;
                // An ephemeral instance is gone once it has stopped.
                return match proof {
                    Proof::Absence | Proof::Status(Status::Stopped) => Ok(()),
                    _ => Err(self.unproved("is gone")),
                };
            }
        };
        let (status, used) = (&instance.status, instance.last_used_at);
        match proof {
            Proof::StartedSince if runs(status) && self.since.is_some_and(|since| used >= Some(since)) => {
                Ok(())
            }
            Proof::StartedSince if runs(status) => Err(self.unproved("runs, but was not started since")),
            Proof::Running if runs(status) => Ok(()),
            Proof::Status(wanted) if *status == wanted => Ok(()),
            _ => Err(self.unproved(&format!("is {status}"))),
        }
    }

    fn unproved(&self, what: &str) -> Error {
        Error::new(ErrorKind::OperationGone, format!("the operation is forgotten; {:?} {what}", self.name))
    }
}

impl Completion for Reached {
    type Output = ();

    fn ticket(&self, id: &str) -> Ticket {
        let ticket = Ticket::new("incus", self.kind, id).with("name", &self.name);
        match self.since {
            Some(since) => ticket.with("since", &since.to_rfc3339()),
            None => ticket,
        }
    }

    fn finish<'a>(&'a self, _: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<()>, Error>> {
        Box::pin(async { self.shown(incus).await.map(Some) })
    }
}

pub(in crate::incus) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<()>> {
    let kind = Reached::KINDS.into_iter().find(|kind| *kind == ticket.kind)?;
    let since = ticket.fact("since").and_then(|since| since.parse().ok());
    let ending = Reached { since, ..Reached::of_kind(kind, ticket.fact("name")?) };
    Some(IncusWork::resumed(incus, ticket.id(), ending))
}

/// Ends in the instance under its new name.
struct Renamed {
    from: String,
    to: String,
}

impl Renamed {
    /// The new name alone proves nothing: it may have been another instance's all along.
    async fn left(&self, incus: &Incus) -> Result<bool, Error> {
        match incus.instance(&self.from).get().await {
            Ok(_) => Ok(false),
            Err(e) => e.absence().map(|()| true),
        }
    }
}

impl Completion for Renamed {
    type Output = Instance;

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", "rename", id).with("from", &self.from).with("name", &self.to)
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        _: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Instance, Error>> {
        Box::pin(async { incus.instance(&self.to).get().await })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        Box::pin(async {
            match incus.instance(&self.to).get().await {
                Ok(instance) => Ok(self.left(incus).await?.then_some(instance)),
                Err(e) if e.is_not_found() => Ok(None),
                Err(e) => Err(e),
            }
        })
    }
}

pub(in crate::incus) fn resume_rename(incus: &Incus, ticket: &Ticket) -> Option<Operation<Instance>> {
    if ticket.kind != "rename" {
        return None;
    }
    let (from, to) = (ticket.fact("from")?.to_owned(), ticket.fact("name")?.to_owned());
    Some(IncusWork::resumed(incus, ticket.id(), Renamed { from, to }))
}
