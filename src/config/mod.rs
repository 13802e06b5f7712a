//! Where settings come from: the environment, then files. Each source is recorded for errors.

pub(crate) mod file;

use std::collections::HashMap;
use std::fmt;
#[cfg(test)]
use std::path::Path;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind};
use crate::system;

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

    /// The home directory: `HOME` on Unix and `USERPROFILE` on Windows, else what the system says.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn home(&self) -> Option<PathBuf> {
        match &self.variables {
            Some(_) => self.variable("HOME").map(PathBuf::from),
            None => std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
        }
    }

    /// The home directory of programs for which `HOME` counts on every system: the commands of Incus and Koyeb.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn home_by_variable(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from).or_else(|| self.home())
    }

    /// Where programs that follow the system's rules keep settings.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn config_base(&self) -> Option<PathBuf> {
        system::config_base(|name| self.variable(name), || self.home())
    }

    /// A system path, moved below the root of a test.
    #[allow(dead_code)] // not every API needs it
    pub(crate) fn system(&self, path: &str) -> Option<PathBuf> {
        match &self.root {
            Some(root) => Some(root.join(path.trim_start_matches('/'))),
            None => system::system_path(path),
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

/// Reads settings on a blocking thread, because files may be slow to read and parse.
pub(crate) async fn aside<T: Send + 'static>(
    find: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(find).await {
        Ok(found) => found,
        Err(e) => Err(Error::new(ErrorKind::Interrupted, format!("the search for settings ended: {e}"))),
    }
}
