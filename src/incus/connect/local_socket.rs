//! The server of this machine, by its sockets.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::{Access, Surroundings, Tried, socket_access};
use crate::error::Error;

/// Where the server of this machine is.
pub(in crate::incus) struct Socket {
    pub(in crate::incus) path: PathBuf,
    /// What people know it by.
    pub(in crate::incus) origin: String,
    /// The project that belongs to a user's own socket.
    pub(in crate::incus) project: Option<String>,
}

/// The server of this machine. A setting is meant: where it is wrong, falling back would talk to the wrong server.
pub(in crate::incus) fn find(surroundings: &Surroundings, mut tried: Tried) -> Result<Socket, Error> {
    let found = if let Some(path) = surroundings.variable("INCUS_SOCKET") {
        let (origin, path) = (format!("INCUS_SOCKET={path}"), PathBuf::from(path));
        tried.add(&origin);
        (socket_access(&path) == Access::Usable).then_some(Socket { path, origin, project: None })
    } else if let Some(path) = surroundings.variable("INCUS_DIR") {
        in_directory(Path::new(&path), format!("INCUS_DIR={path}"), &mut tried)
    } else {
        in_system(surroundings, &mut tried)
    };
    found.ok_or_else(|| tried.error("an Incus server"))
}

/// The first place counts if it has a main socket at all, even one that others use.
fn in_system(surroundings: &Surroundings, tried: &mut Tried) -> Option<Socket> {
    let run = surroundings.system("/run/incus");
    if std::fs::symlink_metadata(run.join("unix.socket")).is_ok() {
        return in_directory(&run, "/run/incus".to_owned(), tried);
    }
    tried.add(run.join("unix.socket").display());
    in_directory(&surroundings.system("/var/lib/incus"), "/var/lib/incus".to_owned(), tried)
}

fn in_directory(directory: &Path, origin: String, tried: &mut Tried) -> Option<Socket> {
    let places = [("unix.socket", None), ("unix.socket.user", own_uid().map(|uid| format!("user-{uid}")))];
    for (name, project) in places {
        let path = directory.join(name);
        match socket_access(&path) {
            Access::Usable => return Some(Socket { path, origin, project }),
            Access::Denied => tried.add(format_args!("{} (permission denied)", path.display())),
            Access::Missing => tried.add(path.display()),
        }
    }
    None
}

/// The user of this process; the kernel shows it as the owner of `/proc/self`.
pub(in crate::incus) fn own_uid() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|me| me.uid())
}
