//! Where settings come from: the environment, then files. Each source is recorded for errors.

pub(crate) mod file;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};

/// The environment that discovery reads. Tests use their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    variables: Option<HashMap<String, String>>,
    root: Option<PathBuf>,
}

impl Surroundings {
    /// The real environment of this process.
    pub(crate) fn real() -> Self {
        Self::default()
    }

    #[cfg(test)]
    pub(crate) fn made(variables: &[(&str, &str)], root: &Path) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { variables: Some(variables.collect()), root: Some(root.to_owned()) }
    }

    /// An environment variable, if it is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let value = match &self.variables {
            Some(made) => made.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The home directory: `HOME`, or what the system says.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn home(&self) -> Option<PathBuf> {
        match &self.variables {
            Some(_) => self.variable("HOME").map(PathBuf::from),
            None => std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
        }
    }

    /// A system path, moved below the root of a test.
    pub(crate) fn system(&self, path: &str) -> PathBuf {
        match &self.root {
            Some(root) => root.join(path.trim_start_matches('/')),
            None => PathBuf::from(path),
        }
    }
}

/// Everything that was tried, for the error.
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

/// Whether a unix socket can be used, checked without connecting to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Usable,
    Denied,
    Missing,
}

/// Whether this process may connect, which needs write permission. It opens the socket as a file: a test connection
/// would occupy the server, and would block if the server doesn't accept.
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
            // Opening a socket always fails, but only after the check of permissions.
            _ => Access::Usable,
        },
    }
}

/// Reads settings on a blocking thread, because files may be slow to read and parse.
pub(crate) async fn aside<T: Send + 'static>(
    find: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(find).await {
        Ok(found) => found,
        Err(e) => Err(Error::new(ErrorKind::Interrupted, format!("the search for settings ended: {e}"))),
    }
}
