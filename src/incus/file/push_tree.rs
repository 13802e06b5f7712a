//! Pushing a directory and everything in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::OptionFuture;
use futures_util::{TryStreamExt, stream};
use tokio::fs;

use super::sftp::Sftp;
use super::tree::{ALL_BITS, AT_ONCE, Copied, Item, LARGE_AT_ONCE, PERMISSIONS, SMALL, Sum, What};
use super::{Instance, InstanceRef, checked_path};
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::stream::transfer::{IDLE, Tell, Transferred, local};
use crate::system;

impl<D: Identified> Instance<D> {
    /// Pushes a directory of this machine with all that is in it.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.push_tree("site").to("/srv/site").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Links are copied as they are, never followed; empty directories and permissions are kept, also of what exists.
    /// What is new belongs to root. Names that aren't UTF-8 are an error of [`ErrorKind::Io`] before anything is sent.
    /// From Windows, all directories get the mode 0755 and all files 0644.
    pub fn push_tree(&self, directory: impl AsRef<Path>) -> PushTree {
        let from = directory.as_ref().to_owned();
        PushTree { instance: self.reference(), from, idle: IDLE, mask: PERMISSIONS, tell: None }
    }
}

/// A directory to push; from [`Instance::push_tree`].
#[must_use = "nothing is sent before `.to(..).await`"]
pub struct PushTree {
    instance: InstanceRef,
    from: PathBuf,
    idle: Duration,
    /// Which bits of modes are copied.
    mask: u32,
    tell: Option<Tell>,
}

impl std::fmt::Debug for PushTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushTree").field("from", &self.from).finish_non_exhaustive()
    }
}

impl PushTree {
    /// Calls `tell` as bytes leave; the total is that of all files.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long the server may take nothing; a minute if not set.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// Keeps set-user-id, set-group-id and sticky bits. Without this they are left off; [`Copied::stripped`] tells of
    /// what, and with this, of what the server didn't keep them for.
    pub fn special_bits(mut self) -> Self {
        self.mask = ALL_BITS;
        self
    }

    /// Makes this directory, by its absolute path, a copy of the one on this machine. Its parent must exist. What it
    /// holds of the same names is replaced, the rest stays.
    ///
    /// An error leaves what was copied until then.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if a file can't be read, [`ErrorKind::NotFound`] if there is no such directory.
    pub async fn to(self, path: &str) -> Result<Copied, Error> {
        self.instance.label_file("instance_sftp", path).watch(self.copy(path)).await
    }

    async fn copy(self, path: &str) -> Result<Copied, Error> {
        checked_path(path)?;
        let items = walk(&self.from).await?;
        let mut copied = Copied::of(&items, self.mask);
        let copy = Copy {
            sftp: Sftp::connect(&self.instance, self.idle).await?,
            instance: self.instance,
            from: self.from,
            to: path.trim_end_matches('/').to_owned(),
            idle: self.idle,
            mask: self.mask,
            sum: Sum::new(copied.bytes, self.tell),
        };
        copy.run(&items).await?;
        copied.stripped.extend(copy.not_kept(&items).await?);
        Ok(copied)
    }
}

/// Everything below a directory, each directory before what is in it.
async fn walk(top: &Path) -> Result<Vec<Item>, Error> {
    let (mut items, mut left) = (Vec::new(), vec![String::new()]);
    while let Some(directory) = left.pop() {
        let place = top.join(directory.trim_start_matches('/'));
        let unreadable = |e| local("read", &place, e);
        let mut entries = fs::read_dir(&place).await.map_err(unreadable)?;
        while let Some(entry) = entries.next_entry().await.map_err(unreadable)? {
            let item = describe(&directory, &entry.path()).await?;
            if item.what == What::Directory {
                left.push(item.path.clone());
            }
            items.push(item);
        }
    }
    Ok(items)
}

async fn describe(directory: &str, place: &Path) -> Result<Item, Error> {
    let unreadable = |e| local("read", place, e);
    let name = place.file_name().and_then(OsStr::to_str).ok_or_else(|| unfit(place, "it isn't UTF-8"))?;
    let found = fs::symlink_metadata(place).await.map_err(unreadable)?;
    let what = match found.file_type() {
        kind if kind.is_dir() => What::Directory,
        kind if kind.is_file() => What::File(found.len()),
        kind if kind.is_symlink() => {
            let target = fs::read_link(place).await.map_err(unreadable)?;
            What::Link(system::link_text(&target).map_err(|why| unfit(place, why))?)
        }
        _ => What::Other,
    };
    Ok(Item { path: format!("{directory}/{name}"), mode: system::mode(&found), what })
}

fn unfit(place: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Io, format!("can't push {}: {why}", place.display()))
}

/// A copy under way.
struct Copy {
    instance: InstanceRef,
    sftp: Sftp,
    from: PathBuf,
    to: String,
    idle: Duration,
    mask: u32,
    sum: Sum,
}

impl Copy {
    async fn run(&self, items: &[Item]) -> Result<(), Error> {
        if !self.to.is_empty() {
            self.sftp.make_dir(&self.to).await?;
        }
        for item in items.iter().filter(|item| item.what == What::Directory) {
            self.sftp.make_dir(&self.remote(item)).await?;
            // Before anything is in it; it must stay writable meanwhile.
            self.sftp.set(&self.remote(item), None, None, Some(item.mode & self.mask | 0o700)).await?;
        }
        self.files(items, AT_ONCE, |size| size <= SMALL).await?;
        self.files(items, LARGE_AT_ONCE, |size| size > SMALL).await?;
        for item in items {
            if let What::Link(target) = &item.what {
                self.sftp.link(&self.remote(item), target).await?;
            }
        }
        let closed = |item: &&Item| item.what == What::Directory && item.mode & 0o700 != 0o700;
        for item in items.iter().filter(closed) {
            self.sftp.set(&self.remote(item), None, None, Some(item.mode & self.mask)).await?;
        }
        Ok(())
    }

    /// What was to have special bits and hasn't got them: servers drop them without a word.
    async fn not_kept(&self, items: &[Item]) -> Result<Vec<String>, Error> {
        let mut dropped = Vec::new();
        for item in items.iter().filter(|item| self.mask == ALL_BITS && item.is_special()) {
            let found = self.sftp.look(&self.remote(item)).await?.permissions;
            if found.is_none_or(|found| found & ALL_BITS != item.mode) {
                dropped.push(item.path.clone());
            }
        }
        Ok(dropped)
    }

    fn remote(&self, item: &Item) -> String {
        format!("{}{}", self.to, item.path)
    }

    async fn files(&self, items: &[Item], at_once: usize, which: fn(u64) -> bool) -> Result<(), Error> {
        let files = items.iter().filter_map(|item| match item.what {
            What::File(size) if which(size) => Some(Ok((item, size))),
            _ => None,
        });
        stream::iter(files)
            .try_for_each_concurrent(at_once, |(item, size)| Box::pin(self.file(item, size)))
            .await
    }

    async fn file(&self, item: &Item, size: u64) -> Result<(), Error> {
        let (place, remote) = (self.from.join(item.path.trim_start_matches('/')), self.remote(item));
        let mode = item.mode & self.mask;
        if size > SMALL {
            let push = self.instance.push(&place).idle_timeout(self.idle).on_progress(self.sum.part());
            push.mode(mode & PERMISSIONS).to(&remote).await?;
            // For files, the other bits are ignored.
            let special = (mode & !PERMISSIONS != 0).then(|| self.sftp.set(&remote, None, None, Some(mode)));
            return OptionFuture::from(special).await.unwrap_or(Ok(()));
        }
        let content = fs::read(&place).await.map_err(|e| local("read", &place, e))?;
        self.sftp.write(&remote, &content, mode).await?;
        self.sum.add(content.len() as u64);
        Ok(())
    }
}
