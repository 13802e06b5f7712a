//! Local directories during a pull: other users can't see their content until the end.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::stream::transfer::local;
use crate::system;

/// Directories and their final modes, which are set at the end or on drop.
pub(super) struct Directories(Vec<(PathBuf, u32)>);

impl Directories {
    /// Creates a directory and its parents, then the directories below it, parents first. Existing ones are used; the
    /// first one then keeps its mode.
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
        match system::directory(0o700).create(&path) {
            Ok(()) => {}
            Err(e) => match fs::symlink_metadata(&path) {
                // A link of that name would lead out of the directory.
                Ok(found) if found.is_dir() => narrow(&path, &found, mode).map_err(failed)?,
                _ => return Err(failed(e)),
            },
        }
        self.0.push((path, mode));
        Ok(())
    }

    /// Sets the final modes, now that nothing is written into them any more.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        while let Some((path, mode)) = self.0.pop() {
            system::set_mode(&path, mode).map_err(|e| local("change", &path, e))?;
        }
        Ok(())
    }
}

impl Drop for Directories {
    fn drop(&mut self) {
        for (path, mode) in self.0.drain(..).rev() {
            // The error that ended the copy is reported already.
            let _ = system::set_mode(&path, mode);
        }
    }
}

/// Until the end, a user has only those rights that they had before and will have afterwards.
fn narrow(path: &Path, found: &Metadata, mode: u32) -> io::Result<()> {
    let now = system::mode(found);
    let meanwhile = now & (mode | 0o7000) | 0o700;
    if meanwhile == now { Ok(()) } else { system::set_mode(path, meanwhile) }
}
