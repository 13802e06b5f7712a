//! Directories of this machine while they are filled: other users can't see their content.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::stream::transfer::local;

/// Directories with the modes that they are to have in the end. They get them also when this is dropped.
pub(super) struct Directories(Vec<(PathBuf, u32)>);

impl Directories {
    /// Makes a directory with those above it, and then the ones below it, each before what is in it. One that exists
    /// will do; the first one keeps its mode then.
    pub(super) fn make(top: (PathBuf, u32), below: Vec<(PathBuf, u32)>) -> Result<Self, Error> {
        let mut made = Self(Vec::new());
        made.top(top.0, top.1)?;
        for (path, mode) in below {
            made.one(path, mode)?;
        }
        Ok(made)
    }

    fn top(&mut self, path: PathBuf, mode: u32) -> Result<(), Error> {
        if fs::metadata(&path).is_ok_and(|found| found.is_dir()) {
            return Ok(());
        }
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            fs::create_dir_all(above).map_err(|e| local("create", above, e))?;
        }
        self.one(path, mode)
    }

    fn one(&mut self, path: PathBuf, mode: u32) -> Result<(), Error> {
        let failed = |e| local("create", &path, e);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => {}
            Err(e) => match fs::symlink_metadata(&path) {
                // A link of that name would lead elsewhere.
                Ok(found) if found.is_dir() => narrow(&path, &found, mode).map_err(failed)?,
                _ => return Err(failed(e)),
            },
        }
        self.0.push((path, mode));
        Ok(())
    }

    /// Gives them their modes: what can't be written to afterwards is full by now.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        while let Some((path, mode)) = self.0.pop() {
            set_mode(&path, mode).map_err(|e| local("change", &path, e))?;
        }
        Ok(())
    }
}

impl Drop for Directories {
    fn drop(&mut self) {
        for (path, mode) in self.0.drain(..).rev() {
            // What ended the copy is told already.
            let _ = set_mode(&path, mode);
        }
    }
}

/// Until the end, no user has a right that they didn't have before or won't have afterwards.
fn narrow(path: &Path, found: &Metadata, mode: u32) -> io::Result<()> {
    let now = found.permissions().mode() & 0o7777;
    let meanwhile = now & (mode | 0o7000) | 0o700;
    if meanwhile == now { Ok(()) } else { set_mode(path, meanwhile) }
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}
