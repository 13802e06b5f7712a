//! Backups of an instance, kept by the server.

use chrono::{DateTime, Utc};

use super::child::{Child, Made, Removed, Renamed};
use crate::error::{Error, ErrorKind};
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::{Instance, InstanceRef, types};
use crate::stream::query::Query;
use crate::stream::transfer::{Opened, Pull, Source, ranged};
use crate::transport::{Label, checked};
use crate::wait::{Action, BoxFuture, Operation, into_future};

handle! {
    /// A backup of an instance, kept by the server: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let monday = web.create_backup("monday").instance_only().compression("zstd").await?;
    /// println!("{} was made at {:?}", monday.name, monday.created_at);
    /// monday.export().to("monday.tar.zst").await?;
    /// monday.delete().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// `D` says how much is known: [`types::InstanceBackup`], or only the name ([`Id`]). Both have the same verbs.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_backup/>
    Backup<types::InstanceBackup> of instance: InstanceRef;
    /// A handle on a backup of which only the name is known; from [`Instance::backup`].
    BackupRef
}

identified! {
    types::InstanceBackup: name;
}

impl<D: Identified> Instance<D> {
    /// Makes a backup, which the server keeps.
    ///
    /// A taken name is [`Error::is_already_exists`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if the name is taken.
    pub fn create_backup(&self, name: impl Into<String>) -> CreateBackup {
        CreateBackup { instance: self.reference(), create: types::InstanceBackupCreate::new(name) }
    }

    /// A handle on a backup, without asking the server.
    pub fn backup(&self, name: impl Into<String>) -> BackupRef {
        Backup::new(&self.reference(), Id::new(name))
    }

    /// The backups.
    pub fn backups(&self) -> Query<Backup> {
        let instance = self.reference();
        Query::one(async move {
            let all = instance.incus.raw().instance_backups_list().name(instance.name()).send().await?;
            Ok(all.into_iter().map(|data| Backup::new(&instance, data)).collect())
        })
    }
}

impl<D: Identified> Backup<D> {
    /// The name, without the instance's.
    pub fn name(&self) -> &str {
        self.data.identity()
    }

    /// The instance that it is of.
    pub fn instance(&self) -> &InstanceRef {
        &self.instance
    }

    /// Reads the backup's description.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn get(&self) -> Result<Backup, Error> {
        get(self.instance.clone(), self.name().to_owned()).await
    }

    /// Gives it another name.
    ///
    /// A taken one is [`Error::is_already_exists`], before anything is asked for: the server would overwrite the other
    /// backup's file, and then fail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if the name is taken, [`ErrorKind::NotFound`] if there is no such backup.
    pub fn rename(&self, to: impl Into<String>) -> Action<Backup> {
        let (instance, from, to) = (self.instance.clone(), self.name().to_owned(), to.into());
        let label = instance.label_part("instance_backup_rename", &from);
        Action::new(label.watch(rename(instance, from, to)))
    }

    /// Pulls its file in constant memory: to a file, a writer, a stream, or into memory.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.create_backup("now").await?.export().on_progress(|p| eprintln!("{p}")).to("web.tar.gz").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// [`Incus::import_backup`](crate::incus::Incus::import_backup) makes an instance of it, on this server or another.
    pub fn export(&self) -> Pull {
        let source = BackupSource { instance: self.instance.clone(), backup: self.name().to_owned() };
        Pull::new(source)
    }

    /// Deletes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none.
    pub fn delete(&self) -> Action<()> {
        let (instance, backup) = (self.instance.clone(), self.name().to_owned());
        Action::new(async move { delete(instance, backup).await })
    }
}

/// The file of a backup.
struct BackupSource {
    instance: InstanceRef,
    backup: String,
}

impl BackupSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let Self { instance, backup } = self;
        let request = instance.incus.raw().instance_backup_export().name(instance.name()).backup(backup);
        let request = ranged(request, from, |request, range| request.range(range));
        Opened::of(request.send().with_head().await?)
    }
}

impl Source for BackupSource {
    fn label(&self) -> Label {
        self.instance.label_part("instance_backup_export", &self.backup)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}

/// A backup to make; from [`Instance::create_backup`].
///
/// `.await` it for the finished backup, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct CreateBackup {
    instance: InstanceRef,
    create: types::InstanceBackupCreate,
}

impl CreateBackup {
    /// The server deletes it at that time; never if not set.
    pub fn expires_at(mut self, when: impl Into<DateTime<Utc>>) -> Self {
        self.create.expires_at = Some(when.into());
        self
    }

    /// Leaves the instance's snapshots out.
    pub fn instance_only(mut self) -> Self {
        self.create.instance_only = true;
        self
    }

    /// In the storage driver's own format: smaller and faster, but only for a pool of the same driver.
    pub fn optimized_storage(mut self) -> Self {
        self.create.optimized_storage = true;
        self
    }

    /// How to compress it: `gzip`, `zstd`, `none` and so on; the server's choice by default.
    pub fn compression(mut self, algorithm: impl Into<String>) -> Self {
        self.create.compression_algorithm = algorithm.into();
        self
    }

    /// Sends the request; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Instance::create_backup`].
    pub async fn send(self) -> Result<Operation<Backup>, Error> {
        let Self { instance, create } = self;
        let name = checked("backup", &create.name)?.to_owned();
        let request = instance.incus.raw().instance_backup_create().name(instance.name()).body(create);
        Ok(Made::accepted(&instance, name, request.send().await?))
    }
}

into_future!(CreateBackup => Backup: send);

impl Child for Backup {
    const KIND: &'static str = "backup";

    fn find(of: InstanceRef, name: String) -> BoxFuture<'static, Result<Self, Error>> {
        Box::pin(get(of, name))
    }

    fn created_at(&self) -> Option<DateTime<Utc>> {
        self.data.created_at
    }
}

async fn get(instance: InstanceRef, backup: String) -> Result<Backup, Error> {
    let request = instance.incus.raw().instance_backup_get().name(instance.name()).backup(backup);
    let data = request.send().await?;
    Ok(Backup::new(&instance, data))
}

async fn rename(instance: InstanceRef, from: String, to: String) -> Result<Operation<Backup>, Error> {
    checked("backup", &from)?;
    checked("to", &to)?;
    check_free(&instance, &to).await?;
    let body = types::InstanceRename::new(&to);
    let request =
        instance.incus.raw().instance_backup_rename().name(instance.name()).backup(&from).body(body);
    Ok(Renamed::accepted(&instance, from, to, request.send().await?))
}

/// The server moves the file before it looks whether the name is taken, and two backups are lost.
async fn check_free(instance: &InstanceRef, name: &str) -> Result<(), Error> {
    match instance.backup(name).get().await {
        Ok(_) => {
            let message = format!("{:?} already has a backup {name:?}", instance.name());
            Err(Error::new(ErrorKind::AlreadyExists, message))
        }
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e),
    }
}

async fn delete(instance: InstanceRef, backup: String) -> Result<Operation<()>, Error> {
    let request = instance.incus.raw().instance_backup_delete().name(instance.name()).backup(&backup);
    Ok(Removed::<Backup>::accepted(&instance, backup, request.send().await?))
}
