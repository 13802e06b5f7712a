//! Deleting files and directories.

use super::sftp::Room;
use super::tree::MOST_ENTRIES;
use super::{Instance, InstanceRef, checked_path, explained};
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::wait::into_future;

impl<D: Identified> Instance<D> {
    /// Deletes a file, an empty directory or a symbolic link.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.delete_file("/etc/motd").await?;
    /// web.delete_file("/srv/shop").recursive().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A directory that isn't empty is an error of [`ErrorKind::Conflict`]; see [`DeleteFile::recursive`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::Conflict`] for a directory that isn't empty.
    pub fn delete_file(&self, path: impl Into<String>) -> DeleteFile {
        DeleteFile { instance: self.reference(), path: path.into(), recursive: false }
    }
}

/// A file to delete; from [`Instance::delete_file`]. `.await` it.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct DeleteFile {
    instance: InstanceRef,
    path: String,
    recursive: bool,
}

impl DeleteFile {
    /// Deletes a directory together with all that is in it. Symbolic links are deleted, not followed.
    ///
    /// Not atomic: what can't be deleted ends it, and what is gone by then stays gone.
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    async fn send(self) -> Result<(), Error> {
        let Self { instance, path, recursive } = self;
        match delete(&instance, &path, recursive).await {
            // Older servers ignore the header.
            Err(e) if recursive && e.kind() == ErrorKind::Conflict => empty(&instance, &path).await,
            other => other,
        }
    }
}

into_future!(DeleteFile => (): |it| it.instance.label_file("instance_file_delete", &it.path).watch(it.send()).await);

/// Deletes what is below, deepest first, and then the directory itself.
async fn empty(instance: &InstanceRef, path: &str) -> Result<(), Error> {
    // Each directory with its entries at the last listing.
    let (mut left, mut room) = (vec![(path.to_owned(), Vec::new())], Room::new(MOST_ENTRIES));
    while let Some((path, before)) = left.pop() {
        match delete(instance, &path, false).await {
            Err(e) if e.kind() == ErrorKind::Conflict => {
                let mut names = instance.read_dir(&path).await?;
                names.sort_unstable();
                // An entry whose name the server doesn't report correctly can't be deleted: without this check it
                // would be tried without end.
                if names.is_empty() || names == before {
                    return Err(e);
                }
                room.take(names.len(), &path)?;
                let all: Result<Vec<_>, Error> = names.iter().map(|name| below(&path, name)).collect();
                left.push((path, names));
                left.extend(all?.into_iter().map(|path| (path, Vec::new())));
            }
            // Another client has deleted it.
            Err(e) if e.is_not_found() => {}
            Err(e) => return Err(e),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The path of an entry; a name that leads elsewhere is no entry.
pub(super) fn below(directory: &str, name: &str) -> Result<String, Error> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        let message = format!("the server names {name:?} in {directory}, which no entry can be called");
        return Err(Error::new(ErrorKind::BadReply, message));
    }
    Ok(format!("{}/{name}", directory.trim_end_matches('/')))
}

async fn delete(instance: &InstanceRef, path: &str, all: bool) -> Result<(), Error> {
    checked_path(path)?;
    let request = instance.incus.raw().instance_file_delete().name(instance.name()).path(path);
    let request = if all { request.x_incus_force("true") } else { request };
    request.send().await.map_err(explained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_their_directory() {
        assert_eq!(below("/", "a").ok().as_deref(), Some("/a"));
        assert_eq!(below("/a/", "..b").ok().as_deref(), Some("/a/..b"));
        for bad in ["", ".", "..", "/", "../etc", "a/b", "a\0"] {
            assert!(below("/a", bad).is_err_and(|e| e.kind() == ErrorKind::BadReply), "{bad:?}");
        }
    }
}
