//! The configuration of the `incus` command: the directories that hold it, and its `config.yml`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::identity::unusable;
use crate::config::{Surroundings, Tried, file};
use crate::error::Error;

/// `config.yml`, as far as it is about servers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    #[serde(rename = "default-remote")]
    pub(super) default_remote: Option<String>,
    pub(super) remotes: Option<BTreeMap<String, Remote>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Remote {
    /// One address, or several of a cluster with commas between.
    pub(super) addr: String,
    pub(super) last_working_address: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) project: Option<String>,
    pub(super) public: bool,
    pub(super) auth_type: Option<String>,
    /// A program that knows how to log in to a registry.
    pub(super) credentials_helper: Option<String>,
}

impl Remote {
    /// The address that worked last, or the first.
    pub(super) fn address(&self) -> String {
        let mut all = self.addr.split(',').map(str::trim).filter(|address| !address.is_empty());
        let first = all.clone().next().unwrap_or_default();
        let last = self.last_working_address.as_deref().unwrap_or_default();
        all.find(|address| *address == last).unwrap_or(first).to_owned()
    }

    /// The project that was chosen for it. The default one is what it is without a choice.
    pub(super) fn project(&self) -> Option<String> {
        self.project.clone().filter(|project| !matches!(project.as_str(), "" | "default"))
    }
}

/// A directory of the `incus` command, and what is in its `config.yml`.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) config: Config,
}

#[cfg(fuzzing)]
pub(in crate::incus) fn fuzz(text: &str) {
    let _ = windlass_yaml::from_str::<Option<Config>>(text);
}

impl Directory {
    /// None where there is no such file. One that can't be read is an error: falling back would talk to another server.
    /// What holds for all users may be kept from this one.
    pub(super) fn read(path: PathBuf, for_all: bool, tried: &mut Tried) -> Result<Option<Self>, Error> {
        let place = path.join("config.yml");
        let text = match file::text(&place) {
            Ok(text) => text,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                tried.add(place.display());
                return Ok(None);
            }
            Err(e) if for_all && e.kind() == io::ErrorKind::PermissionDenied => {
                tried.add(format_args!("{} (permission denied)", place.display()));
                return Ok(None);
            }
            Err(e) => return Err(unusable(&place, &e)),
        };
        let config: Option<Config> = file::yaml(text.expose()).map_err(|e| unusable(&place, &e))?;
        Ok(Some(Self { path, config: config.unwrap_or_default() }))
    }

    pub(super) fn file(&self) -> PathBuf {
        self.path.join("config.yml")
    }
}

/// The directories that are there, the user's own first.
pub(super) fn directories(surroundings: &Surroundings, tried: &mut Tried) -> Result<Vec<Directory>, Error> {
    let mut found = Vec::new();
    if let Some(own) = own_directory(surroundings) {
        found.extend(Directory::read(own, false, tried)?);
    }
    let global = surroundings.variable("INCUS_GLOBAL_CONF").map(PathBuf::from);
    if let Some(global) = global.or_else(|| surroundings.system("/etc/incus")) {
        found.extend(Directory::read(global, true, tried)?);
    }
    Ok(found)
}

/// Where the command keeps what is this user's. From 7.0.1 on it follows the rules of the system, and takes along what
/// the older versions kept.
pub(super) fn own_directory(surroundings: &Surroundings) -> Option<PathBuf> {
    if let Some(named) = surroundings.variable("INCUS_CONF") {
        return Some(PathBuf::from(named));
    }
    let newer = surroundings.config_base().map(|base| base.join("incus")).filter(|path| path.is_dir());
    newer.or_else(|| surroundings.home_by_variable().map(|home| home.join(".config/incus")))
}

/// The text of a small file; none if there is no such file.
pub(super) fn text_of(path: &Path) -> Result<Option<String>, Error> {
    match file::text(path) {
        Ok(text) => Ok(Some(text.expose().to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unusable(path, &e)),
    }
}
