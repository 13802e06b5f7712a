//! The server of this machine, by its sockets.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Connect, Incus};
use crate::config::{Access, Surroundings, Tried, socket_access};
use crate::error::Error;

/// The server of this machine.
pub(super) fn find(surroundings: &Surroundings, mut tried: Tried) -> Result<Connect, Error> {
    let found = candidates(surroundings).find_map(|(origin, place)| match place {
        Place::Socket(path) => {
            let usable = socket_access(&path) == Access::Usable;
            usable.then(|| Incus::unix(&path).found_by(origin.clone())).or_else(|| {
                tried.add(&origin);
                None
            })
        }
        Place::Directory(path) => in_directory(&path, &origin, &mut tried),
    });
    let found = found.ok_or_else(|| tried.error("an Incus server"))?;
    Ok(match surroundings.variable("INCUS_PROJECT") {
        Some(project) => found.project(project),
        None => found,
    })
}

enum Place {
    Socket(PathBuf),
    Directory(PathBuf),
}

fn candidates(surroundings: &Surroundings) -> impl Iterator<Item = (String, Place)> {
    // A setting is meant: where it is wrong, falling back would talk to the wrong server.
    if let Some(path) = surroundings.variable("INCUS_SOCKET") {
        return vec![(format!("INCUS_SOCKET={path}"), Place::Socket(path.into()))].into_iter();
    }
    if let Some(path) = surroundings.variable("INCUS_DIR") {
        return vec![(format!("INCUS_DIR={path}"), Place::Directory(path.into()))].into_iter();
    }
    let system = ["/run/incus", "/var/lib/incus"];
    let system = system.map(|path| (path.to_owned(), Place::Directory(surroundings.system(path))));
    Vec::from(system).into_iter()
}

fn in_directory(path: &Path, origin: &str, tried: &mut Tried) -> Option<Connect> {
    let main = path.join("unix.socket");
    match socket_access(&main) {
        Access::Usable => return Some(Incus::unix(main).found_by(origin)),
        Access::Denied => tried.add(format_args!("{} (permission denied)", main.display())),
        Access::Missing => tried.add(main.display()),
    }
    let user = path.join("unix.socket.user");
    match (socket_access(&user), own_uid()) {
        (Access::Usable, Some(uid)) => {
            return Some(Incus::unix(user).project(format!("user-{uid}")).found_by(origin));
        }
        (Access::Missing, _) => tried.add(user.display()),
        _ => tried.add(format_args!("{} (permission denied)", user.display())),
    }
    None
}

/// The user of this process; the kernel shows it as the owner of `/proc/self`.
pub(super) fn own_uid() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|me| me.uid())
}
