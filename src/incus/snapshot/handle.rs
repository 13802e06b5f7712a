//! Snapshots of an instance.

use chrono::{DateTime, Utc};

use super::child::{Child, Made, Removed, Renamed};
use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::operation::completion::Plain;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Instance, InstanceRef, types};
use crate::stream::query::Query;
use crate::transport::checked;
use crate::wait::{Action, BoxFuture, Operation, into_future};

handle! {
    /// A snapshot of an instance: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// use std::time::{Duration, SystemTime};
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    /// let before = web.create_snapshot("before-upgrade").expires_at(tomorrow).await?;
    /// println!("{} was taken at {:?}", before.name, before.created_at);
    /// before.restore().await?;
    /// before.copy("web-as-it-was").await?;
    /// before.delete().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// `D` says how much is known: [`types::InstanceSnapshot`], or only the name ([`Id`]). Both have the same verbs.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_backup/>
    Snapshot<types::InstanceSnapshot> of instance: InstanceRef;
    /// A handle on a snapshot of which only the name is known; from [`Instance::snapshot`].
    SnapshotRef
}

identified! {
    types::InstanceSnapshot: name;
}

impl<D: Identified> Instance<D> {
    /// Takes a snapshot.
    ///
    /// A taken name is [`Error::is_already_exists`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken.
    pub fn create_snapshot(&self, name: impl Into<String>) -> CreateSnapshot {
        CreateSnapshot { instance: self.reference(), create: types::InstanceSnapshotCreate::new(name) }
    }

    /// A handle on a snapshot, without asking the server.
    pub fn snapshot(&self, name: impl Into<String>) -> SnapshotRef {
        Snapshot::new(&self.reference(), Id::new(name))
    }

    /// The snapshots. The server gives an empty list for an instance that doesn't exist.
    pub fn snapshots(&self) -> Query<Snapshot> {
        let instance = self.reference();
        Query::one(async move {
            let all = instance.incus.raw().instance_snapshots_list().name(instance.name()).send().await?;
            Ok(all.into_iter().map(|data| Snapshot::new(&instance, data)).collect())
        })
    }
}

impl<D: Identified> Snapshot<D> {
    /// The name, without the instance's.
    pub fn name(&self) -> &str {
        self.data.identity()
    }

    /// The instance that it is of.
    pub fn instance(&self) -> &InstanceRef {
        &self.instance
    }

    /// Reads the snapshot.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn get(&self) -> Result<Snapshot, Error> {
        get(self.instance.clone(), self.name().to_owned()).await
    }

    /// Gives it another name. A taken one is [`Error::is_already_exists`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such snapshot.
    pub fn rename(&self, to: impl Into<String>) -> Action<Snapshot> {
        let (instance, from, to) = (self.instance.clone(), self.name().to_owned(), to.into());
        Action::new(async move { rename(instance, from, to).await })
    }

    /// Lets the server delete it at that time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such snapshot.
    pub fn expire_at(&self, when: impl Into<DateTime<Utc>>) -> Action<()> {
        self.set_expiry(when.into())
    }

    /// Keeps it until it is deleted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such snapshot.
    pub fn never_expire(&self) -> Action<()> {
        self.set_expiry(never())
    }

    fn set_expiry(&self, when: DateTime<Utc>) -> Action<()> {
        let (instance, snapshot) = (self.instance.clone(), self.name().to_owned());
        Action::new(async move { set_expiry(instance, snapshot, when).await })
    }

    /// Takes the instance back to it; what came after it is lost, other snapshots stay.
    ///
    /// An instance that runs is stopped and started again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OperationFailed`](crate::ErrorKind::OperationFailed) if there is no such snapshot.
    pub fn restore(&self) -> Restore {
        Restore { instance: self.instance.clone(), snapshot: self.name().to_owned(), stateful: false }
    }

    /// Deletes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub fn delete(&self) -> Action<()> {
        let (instance, snapshot) = (self.instance.clone(), self.name().to_owned());
        Action::new(async move { delete(instance, snapshot).await })
    }
}

/// What the server takes for never.
pub(in crate::incus) fn never() -> DateTime<Utc> {
    const YEAR_1: i64 = -62_135_596_800;
    DateTime::from_timestamp(YEAR_1, 0).unwrap_or_default()
}

/// A snapshot to take; from [`Instance::create_snapshot`].
///
/// `.await` it for the finished snapshot, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct CreateSnapshot {
    instance: InstanceRef,
    create: types::InstanceSnapshotCreate,
}

impl CreateSnapshot {
    /// Keeps the run-time state, too. The instance must run, and have `migration.stateful` set.
    pub fn stateful(mut self) -> Self {
        self.create.stateful = true;
        self
    }

    /// The server deletes it at that time; by default, the instance's `snapshots.expiry` decides.
    pub fn expires_at(mut self, when: impl Into<DateTime<Utc>>) -> Self {
        self.create.expires_at = Some(when.into());
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance; the operation has the others.
    pub async fn send(self) -> Result<Operation<Snapshot>, Error> {
        let Self { instance, create } = self;
        let name = checked("snapshot", &create.name)?.to_owned();
        let request = instance.incus.raw().instance_snapshot_create().name(instance.name()).body(create);
        Ok(Made::accepted(&instance, name, request.send().await?))
    }
}

into_future!(CreateSnapshot => Snapshot: send);

/// A way back to a snapshot; from [`Snapshot::restore`].
///
/// `.await` it to see it through, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Restore {
    instance: InstanceRef,
    snapshot: String,
    stateful: bool,
}

impl Restore {
    /// Restores the run-time state, too. The snapshot must hold one.
    pub fn stateful(mut self) -> Self {
        self.stateful = true;
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance; the operation has the others.
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, snapshot, stateful } = self;
        checked("snapshot", &snapshot)?;
        let body = back_to(snapshot, stateful);
        let request = instance.incus.raw().instance_put().name(instance.name()).body(body);
        Ok(IncusWork::accepted(&instance.incus, request.send().await?, Plain))
    }
}

into_future!(Restore => (): send);

/// The server looks at nothing else then.
fn back_to(snapshot: String, stateful: bool) -> types::InstanceUpdate {
    types::InstanceUpdate { restore: Some(snapshot), stateful, ..Default::default() }
}

impl Child for Snapshot {
    const KIND: &'static str = "snapshot";

    fn find(of: InstanceRef, name: String) -> BoxFuture<'static, Result<Self, Error>> {
        Box::pin(get(of, name))
    }

    fn created_at(&self) -> Option<DateTime<Utc>> {
        self.data.created_at
    }
}

async fn get(instance: InstanceRef, snapshot: String) -> Result<Snapshot, Error> {
    let request = instance.incus.raw().instance_snapshot_get().name(instance.name()).snapshot(snapshot);
    let data = request.send().await?;
    Ok(Snapshot::new(&instance, data))
}

async fn rename(instance: InstanceRef, from: String, to: String) -> Result<Operation<Snapshot>, Error> {
    let body = types::InstanceRename::new(checked("to", &to)?);
    let request = instance.incus.raw().instance_snapshot_rename().name(instance.name()).snapshot(&from);
    let request = request.body(body);
    Ok(Renamed::accepted(&instance, from, to, request.send().await?))
}

async fn set_expiry(
    instance: InstanceRef,
    snapshot: String,
    when: DateTime<Utc>,
) -> Result<Operation<()>, Error> {
    let body = types::InstanceSnapshotUpdate { expires_at: Some(when) };
    let request = instance.incus.raw().instance_snapshot_put().name(instance.name()).snapshot(snapshot);
    let request = request.body(body);
    Ok(IncusWork::accepted(&instance.incus, request.send().await?, Plain))
}

async fn delete(instance: InstanceRef, snapshot: String) -> Result<Operation<()>, Error> {
    let request = instance.incus.raw().instance_snapshot_delete().name(instance.name()).snapshot(&snapshot);
    Ok(Removed::<Snapshot>::accepted(&instance, snapshot, request.send().await?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn never_is_the_first_of_january_of_year_1() {
        assert_eq!(super::never().to_rfc3339(), "0001-01-01T00:00:00+00:00");
    }
}
