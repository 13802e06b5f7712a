//! Pulling a directory and everything in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{TryStreamExt, stream};

use super::delete::below;
use super::directories::Directories;
use super::sftp::{DIRECTORY, Entry, LINK, REGULAR, Room, Sftp, is_kind};
use super::tree::{
    ALL_BITS, AT_ONCE, Copied, Item, LARGE_AT_ONCE, MOST_ENTRIES, PERMISSIONS, SMALL, Sum, What,
};
use super::{Instance, InstanceRef, checked_path};
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::stream::transfer::{IDLE, Links, Tell, Transferred, blocking, put, put_link};
use crate::system;

impl<D: Identified> Instance<D> {
    /// Pulls a directory and everything in it.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let copied = web.pull_tree("/etc").on_progress(|p| eprintln!("{p}")).to("etc-of-web").await?;
    /// println!("{} files, {} links, left out: {:?}", copied.files, copied.symlinks, copied.skipped);
    /// # Ok(()) }
    /// ```
    ///
    /// Links are copied as they are, never followed; empty directories and permissions are kept, owners and times are
    /// not. Nothing is ever written outside of the directory, whatever names the server sends.
    ///
    /// Names and targets of links that aren't UTF-8 end it with an error, before anything is written. Windows has no
    /// modes, and no links are created there: see [the guide](crate::guide::systems).
    pub fn pull_tree(&self, path: impl Into<String>) -> PullTree {
        let (instance, path) = (self.reference(), path.into());
        PullTree { instance, path, idle: IDLE, limit: MOST_ENTRIES, mask: PERMISSIONS, tell: None }
    }
}

/// A directory to pull; from [`Instance::pull_tree`].
#[must_use = "nothing is asked for before `.to(..).await`"]
pub struct PullTree {
    instance: InstanceRef,
    path: String,
    idle: Duration,
    limit: usize,
    /// Which bits of modes are copied.
    mask: u32,
    tell: Option<Tell>,
}

impl std::fmt::Debug for PullTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PullTree").field("path", &self.path).finish_non_exhaustive()
    }
}

impl PullTree {
    /// Calls `tell` as bytes come; the total is that of all files.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long the server may send nothing; a minute if not set.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// The most entries that the tree may have; a million if not set. More are an error of
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded), before anything is written.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.limit = entries;
        self
    }

    /// Keeps set-user-id, set-group-id and sticky bits. By default they are removed, because they mean something else
    /// on another machine; [`Copied::stripped`] lists the files.
    pub fn special_bits(mut self) -> Self {
        self.mask = ALL_BITS;
        self
    }

    /// Makes this directory, if it isn't there, a copy of the one in the instance. What it holds of the same names is
    /// replaced, the rest stays.
    ///
    /// Each file appears when it is whole, with its permissions; one that is there already, with the same content and
    /// permissions, isn't touched. Until the end, other users can't look into new directories. An error leaves
    /// what was copied until then; the directories have their permissions then, too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is a device, a pipe or a directory in the
    /// place of a file; [`ErrorKind::Io`](crate::ErrorKind::Io) for what else goes wrong on this machine.
    pub async fn to(self, directory: impl AsRef<Path>) -> Result<Copied, Error> {
        self.instance.label_file("instance_sftp", &self.path).watch(self.copy(directory.as_ref())).await
    }

    async fn copy(self, directory: &Path) -> Result<Copied, Error> {
        checked_path(&self.path)?;
        let sftp = Sftp::connect(&self.instance, self.idle).await?;
        let items = walk(&sftp, &self.path, self.limit).await?;
        let top = sftp.look_behind(&self.path).await?.permissions.unwrap_or(0o700);
        let copied = Copied::of(&items, self.mask);
        let copy = Copy {
            instance: self.instance,
            sftp,
            from: self.path,
            to: directory.to_owned(),
            idle: self.idle,
            mask: self.mask,
            sum: Sum::new(copied.bytes, self.tell),
        };
        copy.run(top, &items).await?;
        Ok(copied)
    }
}

/// Everything below a directory; each directory comes before its content.
async fn walk(sftp: &Sftp, top: &str, limit: usize) -> Result<Vec<Item>, Error> {
    let mut room = Room::new(limit);
    let (mut items, mut left) = (Vec::new(), vec![String::new()]);
    while let Some(directory) = left.pop() {
        let entries = sftp.list(&format!("{top}{directory}"), &mut room).await?;
        fits_here(&directory, &entries)?;
        for entry in entries {
            let path = below(&directory, &entry.name)?;
            let item = describe(sftp, top, path, &entry).await?;
            if item.what == What::Directory {
                left.push(item.path.clone());
            }
            items.push(item);
        }
    }
    Ok(items)
}

/// Fails if this machine can't have the entries beside each other, or would take one of them for a path.
fn fits_here(directory: &str, entries: &[Entry]) -> Result<(), Error> {
    match system::unfit_name(entries.iter().map(|entry| entry.name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let why = "can't be stored here: it is no file name of this system, or another one in other case";
            Err(Error::new(ErrorKind::Io, format!("{name:?} in {directory}/ {why}")))
        }
    }
}

async fn describe(sftp: &Sftp, top: &str, path: String, entry: &Entry) -> Result<Item, Error> {
    let attributes = &entry.attributes;
    let what = match attributes {
        a if is_kind(a, DIRECTORY) => What::Directory,
        a if is_kind(a, REGULAR) => What::File(a.size.unwrap_or_default()),
        a if is_kind(a, LINK) && system::LINKS => What::Link(sftp.read_link(&format!("{top}{path}")).await?),
        _ => What::Other,
    };
    Ok(Item { path, mode: attributes.permissions.unwrap_or_default() & ALL_BITS, what })
}

/// The state of a running copy.
struct Copy {
    instance: InstanceRef,
    sftp: Sftp,
    from: String,
    to: PathBuf,
    idle: Duration,
    mask: u32,
    sum: Sum,
}

impl Copy {
    async fn run(&self, top: u32, items: &[Item]) -> Result<(), Error> {
        let directories = items.iter().filter(|item| item.what == What::Directory);
        let below = directories.map(|item| (self.local(item), item.mode & self.mask)).collect();
        let top = (self.to.clone(), top & self.mask);
        // The returned value sets their modes, even if the caller has dropped the pull.
        let directories = blocking(move || Directories::make(top, below)).await?;
        self.files(items, AT_ONCE, |size| size <= SMALL).await?;
        self.files(items, LARGE_AT_ONCE, |size| size > SMALL).await?;
        // Links last: nothing can be written through one that wasn't there.
        let links = items.iter().filter_map(|item| match &item.what {
            What::Link(target) => Some((self.local(item), target.clone())),
            _ => None,
        });
        let links: Vec<_> = links.collect();
        blocking(move || {
            links.iter().try_for_each(|(path, target)| put_link(path, target))?;
            directories.finish()
        })
        .await
    }

    fn local(&self, item: &Item) -> PathBuf {
        self.to.join(item.path.trim_start_matches('/'))
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
        let (remote, path) = (format!("{}{}", self.from, item.path), self.local(item));
        let mode = item.mode & self.mask;
        if size > SMALL {
            let pull = self.instance.pull(remote).idle_timeout(self.idle).on_progress(self.sum.part());
            return pull.mode(mode).into_place(&path, Links::Replace).await.map(drop);
        }
        // The file may have grown since it was listed.
        let content = self.sftp.read(&remote, 4 * SMALL as usize).await?;
        self.sum.add(content.len() as u64);
        blocking(move || put(&path, &content, mode)).await
    }
}
