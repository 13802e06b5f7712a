//! Pushing files, directories and symbolic links.

use std::time::Duration;

use super::sftp::{REGULAR, Sftp, is_kind};
use super::tree::SMALL;
use super::{Instance, InstanceRef, checked_path, explained};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::incus::types::{FileType, FileWrite};
use crate::stream::transfer::{Content, IDLE, Transferred, Upload};
use crate::transport::Body;
use crate::transport::Label;
use crate::wait::into_future;

impl<D: Identified> Instance<D> {
    /// Pushes content to a file in constant memory: a file of this machine, bytes, or the output of a reader.
    ///
    /// ```no_run
    /// use windlass::Content;
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.push(Content::file("motd")).mode(0o644).to("/etc/motd").await?;
    /// web.push(Content::bytes("one more line\n")).append().to("/etc/motd").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// More than 256 KiB that replace a file go over SFTP, which servers take faster than the body of a request; a
    /// caller who has no right to SFTP sends the request.
    ///
    /// Works on stopped instances too. It is sent once, and again only if no connection could be made. An
    /// interrupted push leaves a partial file, because the server writes data as it arrives. So does a full disk, which
    /// is an error of [`ErrorKind::Server`]: the size is checked afterwards, because the server may report success.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_access_files/>
    pub fn push(&self, content: impl Into<Content>) -> Push {
        Push {
            instance: self.reference(),
            upload: Upload::new(content.into()),
            owner: Owner::default(),
            write: FileWrite::Overwrite,
        }
    }

    /// Makes a directory; its parent must exist. One that exists already stays as it is; a file of that name is an
    /// error of [`ErrorKind::AlreadyExists`].
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.make_dir("/srv/shop").uid(1000).gid(1000).mode(0o750).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is a file of that name, [`ErrorKind::NotFound`] if there is no parent.
    pub fn make_dir(&self, path: impl Into<String>) -> MakeDir {
        MakeDir { instance: self.reference(), path: path.into(), owner: Owner::default() }
    }

    /// Makes a symbolic link that leads to `target`, which needn't exist. Where something is already, that is an error
    /// of [`ErrorKind::AlreadyExists`].
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.symlink("../usr/share/zoneinfo/UTC").at("/etc/localtime").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if anything is there.
    pub fn symlink(&self, target: impl Into<String>) -> Symlink {
        Symlink { instance: self.reference(), target: target.into(), owner: Owner::default() }
    }
}

/// Owner and permissions.
#[derive(Debug, Clone, Default)]
pub(super) struct Owner {
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) mode: Option<u32>,
}

impl Owner {
    /// The mode as the server reads it.
    fn octal(&self) -> Result<Option<String>, Error> {
        match self.mode {
            // The server silently drops the other bits.
            Some(mode) if mode > 0o777 => {
                Err(Error::invalid("mode", format!("{mode:#o} has more than permissions")))
            }
            // Without the leading zero the server reads a decimal number.
            mode => Ok(mode.map(|mode| format!("0{mode:03o}"))),
        }
    }
}

/// What must be true after a push. The server's own word isn't enough: of what exists it leaves owner and mode alone,
/// whatever it was asked, and when its disk is full it keeps what fits, and may say that all is well.
struct Wanted<'a> {
    path: &'a str,
    owner: &'a Owner,
    /// The least size.
    size: u64,
}

impl Wanted<'_> {
    async fn insist(&self, instance: &InstanceRef) -> Result<(), Error> {
        let Owner { uid, gid, mode } = *self.owner;
        let any_owner = uid.or(gid).or(mode).is_some();
        if self.size == 0 && !any_owner {
            return Ok(());
        }
        let now = match instance.stat(self.path).await {
            // A process in the instance replaced it meanwhile.
            Err(e) if e.is_not_found() && !any_owner => return Ok(()),
            now => now?,
        };
        // Content written through a link is in its target.
        if now.is_symlink() || now.size.unwrap_or_default() < self.size {
            self.look_closely(instance).await?;
        }
        let is = |wanted: Option<u32>, now: u32| wanted.is_none_or(|wanted| wanted == now);
        let same = is(uid, now.uid) && is(gid, now.gid) && is(mode, now.mode);
        if !any_owner || (same && !now.is_symlink()) {
            return Ok(());
        }
        Sftp::connect(instance, IDLE).await?.set(self.path, uid, gid, mode).await
    }

    async fn look_closely(&self, instance: &InstanceRef) -> Result<(), Error> {
        let found = Sftp::connect(instance, IDLE).await?.look_behind(self.path).await?;
        let kept = found.size.unwrap_or_default();
        // Devices have no size, and neither have files of /proc.
        let has_size =
            is_kind(&found, REGULAR) && !["/proc/", "/sys/"].iter().any(|p| self.path.starts_with(p));
        if kept >= self.size || !has_size {
            return Ok(());
        }
        Err(self.cut_short(kept))
    }

    fn cut_short(&self, kept: u64) -> Error {
        let Self { path, size, .. } = self;
        let message = format!(
            "{path} has {kept} of {size} bytes, though the server said that it was written: its disk may be full"
        );
        Error::new(ErrorKind::Server, message).with(|e| e.sent = Sent::Yes)
    }
}

/// The size of a file before something is added to it.
async fn size_before(instance: &InstanceRef, path: &str) -> Result<u64, Error> {
    let found = match instance.stat(path).await {
        // The push reports it.
        Err(e) if e.is_not_found() => return Ok(0),
        found => found?,
    };
    if found.is_symlink() {
        let behind = Sftp::connect(instance, IDLE).await?.look_behind(path).await;
        return Ok(behind.ok().and_then(|found| found.size).unwrap_or_default());
    }
    Ok(found.size.unwrap_or_default())
}

/// The setters of an [`Owner`].
macro_rules! owner_setters {
    () => {
        /// The user who owns it, by number; root for what is new.
        pub fn uid(mut self, user: u32) -> Self {
            self.owner.uid = Some(user);
            self
        }

        /// The group that owns it, by number; root's for what is new.
        pub fn gid(mut self, group: u32) -> Self {
            self.owner.gid = Some(group);
            self
        }
    };
}

/// Content to push to a file; from [`Instance::push`].
#[derive(Debug)]
#[must_use = "nothing is sent before `.to(..).await`"]
pub struct Push {
    instance: InstanceRef,
    upload: Upload,
    owner: Owner,
    write: FileWrite,
}

impl Push {
    owner_setters!();

    /// The permissions, for example `0o644`, which is the default for a new file. Set-user-id and the like can't be
    /// set.
    pub fn mode(mut self, mode: u32) -> Self {
        self.owner.mode = Some(mode);
        self
    }

    /// Adds to the end of a file instead of replacing what is in it. It must exist.
    pub fn append(mut self) -> Self {
        self.write = FileWrite::Append;
        self
    }

    /// Calls `tell` after each piece.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.upload.on_progress(tell);
        self
    }

    /// How long the server may take nothing; a minute if not set. How long the whole takes is not limited.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.upload.idle_timeout(limit);
        self
    }

    /// Sends it to this file, by its absolute path. Its directory must exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such directory, [`ErrorKind::Io`] if the content can't be read,
    /// [`ErrorKind::Server`] if the server's disk is full.
    pub async fn to(self, path: &str) -> Result<(), Error> {
        let label = self.instance.label_file("instance_file_put", path);
        label.clone().watch(self.sent(path, label)).await
    }

    async fn sent(self, path: &str, label: Label) -> Result<(), Error> {
        let Self { instance, upload, owner, write } = self;
        checked_path(path)?;
        let make =
            Make { instance: &instance, path, kind: FileType::File, owner: &owner, write: Some(write) };
        let before = match make.write {
            Some(FileWrite::Append) => size_before(&instance, path).await?,
            _ => 0,
        };
        let sftp = make.over_sftp(upload.size(), upload.idle()).await?;
        let send = |body| async {
            match &sftp {
                Some(sftp) => sftp.push(path, body, &owner).await,
                None => make.send(body).await,
            }
        };
        let ((), sent) = upload.send(&label, send).await?;
        Wanted { path, owner: &owner, size: before.saturating_add(sent) }.insist(&instance).await
    }
}

/// A directory to make; from [`Instance::make_dir`]. `.await` it.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct MakeDir {
    instance: InstanceRef,
    path: String,
    owner: Owner,
}

impl MakeDir {
    owner_setters!();

    /// The permissions, for example `0o750`; 0755 by default.
    pub fn mode(mut self, mode: u32) -> Self {
        self.owner.mode = Some(mode);
        self
    }

    async fn send(self) -> Result<(), Error> {
        let Self { instance, path, owner } = &self;
        let make = Make { instance, path, kind: FileType::Directory, owner, write: None };
        make.send("".into()).await?;
        // The server also answers this if something else of that name exists.
        if instance.stat(path).await?.is_directory() {
            return Ok(());
        }
        let message = format!("{path} exists, and is no directory");
        Err(Error::new(ErrorKind::AlreadyExists, message).with(|e| e.sent = Sent::Yes))
    }
}

into_future!(MakeDir => (): |it| it.instance.label_file("instance_file_put", &it.path).watch(it.send()).await);

/// A symbolic link to create; from [`Instance::symlink`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.at(..).await`"]
pub struct Symlink {
    instance: InstanceRef,
    target: String,
    owner: Owner,
}

impl Symlink {
    owner_setters!();

    /// Makes it, by its absolute path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if anything is there.
    pub async fn at(self, path: &str) -> Result<(), Error> {
        self.instance.label_file("instance_file_put", path).watch(self.made(path)).await
    }

    async fn made(self, path: &str) -> Result<(), Error> {
        let Self { instance, target, owner } = self;
        if target.is_empty() || target.contains('\0') {
            return Err(Error::invalid("target", format!("{target:?} leads nowhere")));
        }
        let make = Make { instance: &instance, path, kind: FileType::Symlink, owner: &owner, write: None };
        make.send(target.into()).await
    }
}

/// One request that makes something.
struct Make<'a> {
    instance: &'a InstanceRef,
    path: &'a str,
    kind: FileType,
    owner: &'a Owner,
    write: Option<FileWrite>,
}

impl Make<'_> {
    /// A session for what is large, unless the caller may only use the files API.
    async fn over_sftp(
        &self,
        size: impl Future<Output = Option<u64>>,
        idle: Duration,
    ) -> Result<Option<Sftp>, Error> {
        let replaces = self.write == Some(FileWrite::Overwrite);
        if !replaces || size.await.is_none_or(|size| size <= SMALL) {
            return Ok(None);
        }
        self.owner.octal()?;
        match Sftp::connect(self.instance, idle).await {
            Err(e) if e.kind() == ErrorKind::PermissionDenied => Ok(None),
            sftp => sftp.map(Some),
        }
    }

    async fn send(&self, body: Body) -> Result<(), Error> {
        checked_path(self.path)?;
        let mode = self.owner.octal()?;
        let request = self.instance.incus.raw().instance_file_put();
        let mut request = request.name(self.instance.name()).path(self.path).x_incus_type(self.kind.clone());
        if let Some(uid) = self.owner.uid {
            request = request.x_incus_uid(i64::from(uid));
        }
        if let Some(gid) = self.owner.gid {
            request = request.x_incus_gid(i64::from(gid));
        }
        if let Some(mode) = mode {
            request = request.x_incus_mode(mode);
        }
        if let Some(write) = &self.write {
            request = request.x_incus_write(write.clone());
        }
        let call = request.body(body).send();
        // An upload has its own limit on silence.
        let call = if self.write.is_some() { call.bounded() } else { call };
        call.await.map_err(explained)
    }
}
