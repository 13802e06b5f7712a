//! Where settings come from: the environment, then files; always with a word on which one won.

pub(crate) mod file;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};

/// The places that discovery looks at. Tests bring their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    variables: Option<HashMap<String, String>>,
    root: Option<PathBuf>,
}

impl Surroundings {
    /// This process and this machine.
    pub(crate) fn real() -> Self {
        Self::default()
    }

    #[cfg(test)]
    pub(crate) fn made(variables: &[(&str, &str)], root: &Path) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { variables: Some(variables.collect()), root: Some(root.to_owned()) }
    }

    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let value = match &self.variables {
            Some(made) => made.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The user's home: as the variable says, else as the system knows it.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn home(&self) -> Option<PathBuf> {
        match &self.variables {
            Some(_) => self.variable("HOME").map(PathBuf::from),
            None => std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
        }
    }

    /// A fixed path of the system, moved below the root of a test.
    pub(crate) fn system(&self, path: &str) -> PathBuf {
        match &self.root {
            Some(root) => root.join(path.trim_start_matches('/')),
            None => PathBuf::from(path),
        }
    }
}

/// All that was tried, for the error that names it.
#[derive(Debug, Default)]
pub(crate) struct Tried(Vec<String>);

impl Tried {
    pub(crate) fn add(&mut self, place: impl fmt::Display) {
        self.0.push(place.to_string());
    }

    pub(crate) fn error(self, wanted: &str) -> Error {
        Error::new(ErrorKind::Configuration, format!("{wanted} not found; tried {}", self.0.join(", ")))
    }
}

/// What may be done with a unix socket, without connecting to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Usable,
    Denied,
    Missing,
}

/// Whether this process may connect, which takes the right to write. Opening it as a file tells that and nothing more: a
/// connection would be one that the server has to take, and waits where it takes none.
#[allow(dead_code)] // not every API has one
pub(crate) fn socket_access(path: &Path) -> Access {
    let of = |e: io::Error| match e.kind() {
        io::ErrorKind::PermissionDenied => Access::Denied,
        _ => Access::Missing,
    };
    match std::fs::metadata(path) {
        Err(e) => of(e),
        Ok(file) if !file.file_type().is_socket() => Access::Missing,
        Ok(_) => match std::fs::OpenOptions::new().write(true).open(path) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Access::Denied,
            // A socket can't be opened so, but this is said only to who may.
            _ => Access::Usable,
        },
    }
}

/// Looks for settings beside the caller's thread: a file may be slow to come, and what is in it slow to read.
pub(crate) async fn aside<T: Send + 'static>(
    find: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(find).await {
        Ok(found) => found,
        Err(e) => Err(Error::new(ErrorKind::Interrupted, format!("the search for settings ended: {e}"))),
    }
}
