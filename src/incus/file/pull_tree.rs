//! Pulling a directory with all that is in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{TryStreamExt, stream};
use tokio::fs;

use super::delete::below;
use super::sftp::{DIRECTORY, Entry, LINK, REGULAR, Sftp, is_kind};
use super::tree::{AT_ONCE, Copied, Item, LARGE_AT_ONCE, SMALL, Sum, What};
use super::{Instance, InstanceRef, Subject, checked_path};
use crate::error::Error;
use crate::transfer::{Draft, IDLE, Tell, Transferred, local};

impl<D: Subject> Instance<D> {
    /// Pulls a directory with all that is in it.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let copied = web.pull_tree("/etc").on_progress(|p| eprintln!("{p}")).to("etc-of-web").await?;
    /// println!("{} files, {} links, left out: {:?}", copied.files, copied.symlinks, copied.skipped);
    /// # Ok(()) }
    /// ```
    ///
    /// Links are copied as they are, never followed; empty directories and permissions are kept, owners and times are
    /// not. Nothing is ever written outside of the directory, whatever names the server tells.
    ///
    /// Names that aren't UTF-8 end it with an error.
    pub fn pull_tree(&self, path: impl Into<String>) -> PullTree {
        PullTree { instance: self.named(), path: path.into(), idle: IDLE, tell: None }
    }
}

/// A directory to be pulled; from [`Instance::pull_tree`].
#[must_use = "nothing is asked for before `.to(..).await`"]
pub struct PullTree {
    instance: InstanceRef,
    path: String,
    idle: Duration,
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

    /// How long the server may send nothing of a file; a minute if not set.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// Makes this directory, if it isn't there, a copy of the one in the instance. What it holds of the same names is
    /// replaced, the rest stays.
    ///
    /// Each file appears when it is whole. An error leaves what was copied until then.
    pub async fn to(self, directory: impl AsRef<Path>) -> Result<Copied, Error> {
        checked_path(&self.path)?;
        let sftp = Sftp::connect(&self.instance).await?;
        let items = walk(&sftp, &self.path).await?;
        let copied = Copied::of(&items);
        let copy = Copy {
            instance: self.instance,
            sftp,
            from: self.path,
            to: directory.as_ref().to_owned(),
            idle: self.idle,
            sum: Sum::new(copied.bytes, self.tell),
        };
        copy.run(&items).await?;
        Ok(copied)
    }
}

/// Everything below a directory, each directory before what is in it.
async fn walk(sftp: &Sftp, top: &str) -> Result<Vec<Item>, Error> {
    let (mut items, mut left) = (Vec::new(), vec![String::new()]);
    while let Some(directory) = left.pop() {
        for entry in sftp.list(&format!("{top}{directory}")).await? {
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

async fn describe(sftp: &Sftp, top: &str, path: String, entry: &Entry) -> Result<Item, Error> {
    let attributes = &entry.attributes;
    let what = match attributes {
        a if is_kind(a, DIRECTORY) => What::Directory,
        a if is_kind(a, REGULAR) => What::File(a.size.unwrap_or_default()),
        a if is_kind(a, LINK) => What::Link(sftp.read_link(&format!("{top}{path}")).await?),
        _ => What::Other,
    };
    Ok(Item { path, mode: attributes.permissions.unwrap_or_default() & 0o777, what })
}

/// A copy under way.
struct Copy {
    instance: InstanceRef,
    sftp: Sftp,
    from: String,
    to: PathBuf,
    idle: Duration,
    sum: Sum,
}

impl Copy {
    async fn run(&self, items: &[Item]) -> Result<(), Error> {
        fs::create_dir_all(&self.to).await.map_err(|e| local("create", &self.to, e))?;
        for item in items.iter().filter(|item| item.what == What::Directory) {
            self.directory(item).await?;
        }
        self.files(items, AT_ONCE, |size| size <= SMALL).await?;
        self.files(items, LARGE_AT_ONCE, |size| size > SMALL).await?;
        // Links last: nothing can be written through one that wasn't there.
        for item in items {
            if let What::Link(target) = &item.what {
                self.link(item, target).await?;
            }
        }
        // Permissions after that: a directory may not be written to afterwards.
        for item in items.iter().rev().filter(|item| item.what == What::Directory) {
            set_mode(&self.local(item), item.mode).await?;
        }
        Ok(())
    }

    fn local(&self, item: &Item) -> PathBuf {
        self.to.join(item.path.trim_start_matches('/'))
    }

    async fn directory(&self, item: &Item) -> Result<(), Error> {
        let path = self.local(item);
        match fs::create_dir(&path).await {
            Ok(()) => Ok(()),
            // A link of that name would lead elsewhere.
            Err(_) if fs::symlink_metadata(&path).await.is_ok_and(|found| found.is_dir()) => Ok(()),
            Err(e) => Err(local("create", &path, e)),
        }
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
        if size > SMALL {
            let pull = self.instance.pull(remote).idle_timeout(self.idle).on_progress(self.sum.part());
            pull.to(&path).await?;
        } else {
            // It may have grown a little in the meantime.
            let content = self.sftp.read(&remote, 4 * SMALL as usize).await?;
            self.sum.add(content.len() as u64);
            let mut draft = Draft::beside(&path).await?;
            draft.write(content.into()).await?;
            draft.keep(false).await?;
        }
        set_mode(&path, item.mode).await
    }

    async fn link(&self, item: &Item, target: &str) -> Result<(), Error> {
        let path = self.local(item);
        if fs::symlink_metadata(&path).await.is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(&path).await.map_err(|e| local("replace", &path, e))?;
        }
        fs::symlink(target, &path).await.map_err(|e| local("create", &path, e))
    }
}

async fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(mode);
    fs::set_permissions(path, mode).await.map_err(|e| local("change", path, e))
}
