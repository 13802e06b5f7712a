//! Snapshots of an instance.

use std::future::IntoFuture;
use std::ops::Deref;

use chrono::{DateTime, Utc};

use super::ending::Plain;
use super::instance::{Named, Subject};
use super::part::{Made, Part, Removed, Renamed};
use super::work::IncusWork;
use super::{Instance, InstanceRef, Launch, types};
use crate::error::Error;
use crate::stream::list::{List, Page};
use crate::transport::checked;
use crate::wait::{Action, BoxFuture, Operation};

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
/// `D` says how much is known: [`types::InstanceSnapshot`], or only the name ([`Named`]). Both have the same verbs.
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_backup/>
#[derive(Debug, Clone)]
pub struct Snapshot<D = types::InstanceSnapshot> {
    instance: InstanceRef,
    data: D,
}

/// A handle on a snapshot of which only the name is known.
pub type SnapshotRef = Snapshot<Named>;

impl<D> Deref for Snapshot<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.data
    }
}

impl<D: Subject> Instance<D> {
    /// Takes a snapshot.
    ///
    /// A taken name is [`Error::is_already_exists`].
    pub fn create_snapshot(&self, name: impl Into<String>) -> SnapshotCreate {
        SnapshotCreate { instance: self.named(), create: types::InstanceSnapshotCreate::new(name) }
    }

    /// A handle on a snapshot, without asking the server.
    pub fn snapshot(&self, name: impl Into<String>) -> SnapshotRef {
        Snapshot { instance: self.named(), data: Named(name.into()) }
    }

    /// The snapshots, as a stream. The server gives an empty list for an instance that isn't there.
    pub fn snapshots(&self) -> List<Snapshot> {
        let instance = self.named();
        List::new(move |_| {
            let instance = instance.clone();
            Box::pin(async move {
                let all = instance.incus.raw().instance_snapshots_list().name(instance.name()).send().await?;
                let own = |data| Snapshot { instance: instance.clone(), data };
                Ok(Page::only(all.into_iter().map(own).collect()))
            })
        })
    }
}

impl<D: Subject> Snapshot<D> {
    /// The name, without the instance's.
    pub fn name(&self) -> &str {
        self.data.name()
    }

    /// The data alone.
    pub fn into_data(self) -> D {
        self.data
    }

    /// The instance that it is of.
    pub fn instance(&self) -> &InstanceRef {
        &self.instance
    }

    /// Reads the snapshot. [`Error::is_not_found`] where there is none.
    pub async fn get(&self) -> Result<Snapshot, Error> {
        get(self.instance.clone(), self.name().to_owned()).await
    }

    /// Gives it another name. A taken one is [`Error::is_already_exists`].
    pub fn rename(&self, to: impl Into<String>) -> Action<Snapshot> {
        let (instance, from, to) = (self.instance.clone(), self.name().to_owned(), to.into());
        Action::new(async move { rename(instance, from, to).await })
    }

    /// Lets the server delete it at that time.
    pub fn expire_at(&self, when: impl Into<DateTime<Utc>>) -> Action<()> {
        self.set_expiry(when.into())
    }

    /// Keeps it until somebody deletes it.
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
    pub fn restore(&self) -> Restore {
        Restore { instance: self.instance.clone(), snapshot: self.name().to_owned(), stateful: false }
    }

    /// Makes a new instance of it, on this server or cluster; it isn't started. As safe as a launch: see [`Launch`].
    pub fn copy(&self, to: impl Into<String>) -> Launch {
        self.instance.incus.create(to).copy_of(self)
    }

    /// Deletes it.
    pub fn delete(&self) -> Action<()> {
        let (instance, snapshot) = (self.instance.clone(), self.name().to_owned());
        Action::new(async move { delete(instance, snapshot).await })
    }
}

/// What the server takes for never.
pub(super) fn never() -> DateTime<Utc> {
    const YEAR_1: i64 = -62_135_596_800;
    DateTime::from_timestamp(YEAR_1, 0).unwrap_or_default()
}

/// A snapshot to be taken; from [`Instance::create_snapshot`].
///
/// `.await` it for the finished snapshot, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct SnapshotCreate {
    instance: InstanceRef,
    create: types::InstanceSnapshotCreate,
}

impl SnapshotCreate {
    /// Keeps the run-time state, too. The instance must run, and have `migration.stateful` set.
    pub fn stateful(mut self) -> Self {
        self.create.stateful = true;
        self
    }

    /// The server deletes it at that time; if not set, as the instance's `snapshots.expiry` says.
    pub fn expires_at(mut self, when: impl Into<DateTime<Utc>>) -> Self {
        self.create.expires_at = Some(when.into());
        self
    }

    /// Sends the request; the operation goes on by itself.
    pub async fn send(self) -> Result<Operation<Snapshot>, Error> {
        let Self { instance, create } = self;
        let name = checked("snapshot", &create.name)?.to_owned();
        let request = instance.incus.raw().instance_snapshot_create().name(instance.name()).body(create);
        Ok(Made::accepted(&instance, name, request.send().await?))
    }
}

impl IntoFuture for SnapshotCreate {
    type Output = Result<Snapshot, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}

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
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { instance, snapshot, stateful } = self;
        checked("snapshot", &snapshot)?;
        let body = back_to(snapshot, stateful);
        let request = instance.incus.raw().instance_put().name(instance.name()).body(body);
        Ok(IncusWork::accepted(&instance.incus, request.send().await?, Plain))
    }
}

impl IntoFuture for Restore {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}

/// The server looks at nothing else then.
fn back_to(snapshot: String, stateful: bool) -> types::InstanceUpdate {
    types::InstanceUpdate { restore: Some(snapshot), stateful, ..Default::default() }
}

impl Part for Snapshot {
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
    Ok(Snapshot { instance, data })
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
