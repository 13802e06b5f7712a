//! The server of this machine, by its sockets. Only Unix has any: see `unix` and `elsewhere`.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

use std::path::PathBuf;

#[cfg(not(unix))]
pub(in crate::incus) use elsewhere::{find, over_socket};
#[cfg(all(test, unix))]
pub(in crate::incus) use unix::own_user;
#[cfg(unix)]
pub(in crate::incus) use unix::{find, over_socket};

/// Where the server of this machine is.
pub(in crate::incus) struct Socket {
    pub(in crate::incus) path: PathBuf,
    /// What people know it by.
    pub(in crate::incus) origin: String,
    /// The project that belongs to a user's own socket.
    pub(in crate::incus) project: Option<String>,
}
