//! Unix sockets.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::ClientBuilder;

use super::Socket;
use crate::config::{Surroundings, Tried};
use crate::error::Error;
use crate::incus::connect::target::Target;
use crate::incus::{Connect, Incus};
use crate::transport::connect_queue::OneByOne;

impl Incus {
    /// A server on this machine, by the path of its unix socket. On Unix only.
    ///
    /// ```no_run
    /// # use windlass::incus::Incus;
    /// # async fn demo() -> windlass::Result<()> {
    /// let incus = Incus::unix("/var/lib/incus/unix.socket").await?;
    /// # Ok(()) }
    /// ```
    pub fn unix(socket: impl AsRef<Path>) -> Connect {
        Connect::to(Target::Unix(socket.as_ref().to_owned()))
    }
}

/// Incus up to 6.0.4 reads from a new connection before it accepts the next one, so a connection that is opened ahead
/// and kept silent shuts everybody out. HTTP pools open such ones when a request gets a freed connection first. On a
/// unix socket a new connection costs next to nothing: idle ones are closed soon.
const IDLE: Duration = Duration::from_millis(100);

/// Sends all requests over this socket.
pub(in crate::incus) fn over_socket(builder: ClientBuilder, socket: &Path) -> Result<ClientBuilder, Error> {
    let builder = builder.unix_socket(socket).pool_idle_timeout(IDLE);
    Ok(builder.connector_layer(OneByOne::new()))
}

/// The server of this machine. A setting is meant: where it is wrong, falling back would talk to the wrong server.
pub(in crate::incus) fn find(surroundings: &Surroundings, mut tried: Tried) -> Result<Socket, Error> {
    let found = if let Some(path) = surroundings.variable("INCUS_SOCKET") {
        let (origin, path) = (format!("INCUS_SOCKET={path}"), PathBuf::from(path));
        tried.add(&origin);
        (access(&path) == Access::Usable).then_some(Socket { path, origin, project: None })
    } else if let Some(path) = surroundings.variable("INCUS_DIR") {
        in_directory(Path::new(&path), format!("INCUS_DIR={path}"), &mut tried)
    } else {
        in_system(surroundings, &mut tried)
    };
    found.ok_or_else(|| tried.error("an Incus server"))
}

/// The first place counts if it has a main socket at all, even one that others use.
fn in_system(surroundings: &Surroundings, tried: &mut Tried) -> Option<Socket> {
    let run = surroundings.system("/run/incus")?;
    if std::fs::symlink_metadata(run.join("unix.socket")).is_ok() {
        return in_directory(&run, "/run/incus".to_owned(), tried);
    }
    tried.add(run.join("unix.socket").display());
    in_directory(&surroundings.system("/var/lib/incus")?, "/var/lib/incus".to_owned(), tried)
}

fn in_directory(directory: &Path, origin: String, tried: &mut Tried) -> Option<Socket> {
    let places = [("unix.socket", None), ("unix.socket.user", own_user().map(|uid| format!("user-{uid}")))];
    for (name, project) in places {
        let path = directory.join(name);
        match access(&path) {
            Access::Usable => return Some(Socket { path, origin, project }),
            Access::Denied => tried.add(format_args!("{} (permission denied)", path.display())),
            Access::Missing => tried.add(path.display()),
        }
    }
    None
}

/// Whether a socket can be used, checked without connecting to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Usable,
    Denied,
    Missing,
}

/// Whether this process may connect, which needs write permission. It opens the socket as a file: a test connection
/// would occupy the server, and would block if the server doesn't accept.
fn access(socket: &Path) -> Access {
    let of = |e: io::Error| match e.kind() {
        io::ErrorKind::PermissionDenied => Access::Denied,
        _ => Access::Missing,
    };
    match std::fs::metadata(socket) {
        Err(e) => of(e),
        Ok(file) if !file.file_type().is_socket() => Access::Missing,
        Ok(_) => match std::fs::OpenOptions::new().write(true).open(socket) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Access::Denied,
            // Opening a socket always fails, but only after the check of permissions.
            _ => Access::Usable,
        },
    }
}

/// The effective user of this process: the owner of a pipe that it makes.
pub(in crate::incus) fn own_user() -> Option<u32> {
    let (reader, _) = io::pipe().ok()?;
    File::from(OwnedFd::from(reader)).metadata().ok().map(|pipe| pipe.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_user_is_the_one_of_the_id_command() -> io::Result<()> {
        let told = std::process::Command::new("id").arg("-u").output()?.stdout;
        let told = String::from_utf8_lossy(&told).trim().parse().ok();
        assert!(told.is_some() && own_user() == told, "{told:?}");
        Ok(())
    }
}
