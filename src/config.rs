//! Where settings come from: the environment, then files; always with a word on which one won.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

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
        Error::new(Kind::Configuration, format!("{wanted} not found; tried {}", self.0.join(", ")))
    }
}

/// What may be done with a unix socket, without connecting to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Usable,
    Denied,
    Missing,
}

/// Connecting to a unix socket needs the right to write to it; only trying tells for sure.
pub(crate) fn socket_access(path: &Path) -> Access {
    match std::os::unix::net::UnixStream::connect(path) {
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => Access::Denied,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Access::Missing,
        _ => Access::Usable,
    }
}
