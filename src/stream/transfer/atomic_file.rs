//! Files that appear only when complete, with the right permissions from the start.
//!
//! Everything here blocks; [`Draft`](super::Draft) is for asynchronous code.

use std::fs::{self, File, Permissions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::blocking::local;
use crate::error::{Error, ErrorKind};
use crate::system;

/// What to do with a symbolic link at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// Replace or create the file that it points to. For paths that the caller chose.
    Follow,
    /// Replace the link itself. For names that come from a server.
    Replace,
}

/// A temporary file or link. It is removed on drop, unless it was renamed to its target.
pub(super) struct Scrap(Option<PathBuf>);

impl Drop for Scrap {
    fn drop(&mut self) {
        #[cfg(windlass_planted)]
        if crate::transport::planted::has("kept-draft") {
            return;
        }
        if let Some(path) = self.0.take() {
            // There is no caller to report an error to.
            let _ = fs::remove_file(path);
        }
    }
}

impl Scrap {
    /// Creates something next to `target`. From then on, it is removed on every error.
    fn beside<T>(target: &Path, make: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<(T, Self)> {
        let path = target.with_file_name(format!(".windlass-{:016x}.part", rand::random::<u64>()));
        let made = make(&path)?;
        Ok((made, Self(Some(path))))
    }

    fn rename(mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.0 {
            fs::rename(path, to)?;
        }
        self.0 = None;
        Ok(())
    }
}

/// The empty temporary file. Other users can't read it.
pub(super) struct Begun {
    pub(super) file: File,
    pub(super) unfinished: Unfinished,
}

/// The temporary file of a target.
pub(super) struct Unfinished {
    scrap: Scrap,
    target: PathBuf,
    links: Links,
    /// The permissions of the file to be replaced.
    old: Option<Permissions>,
}

/// Creates the temporary file. Fails if the target exists and is not a regular file.
pub(super) fn begin(target: &Path, links: Links) -> Result<Begun, Error> {
    let target = match links {
        Links::Follow => followed(target)?,
        Links::Replace => target.to_owned(),
    };
    if target.file_name().is_none() {
        return Err(Error::invalid("path", format!("{} is a directory", target.display())));
    }
    let old = replaceable(&target, links)?;
    // Only this user can read it, from the start.
    let made = Scrap::beside(&target, |scrap| system::create_new(scrap, 0o600));
    let (file, scrap) = made.map_err(|e| local("create", &target, e))?;
    Ok(Begun { file, unfinished: Unfinished { scrap, target, links, old } })
}

impl Unfinished {
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Sets the permissions, and renames the file to its target.
    ///
    /// Without a mode, the file gets the permissions of the file it replaces, or those of a new file. `durable`: syncs
    /// file and directory, so that the file survives a power cut.
    pub(super) fn finish(self, file: &File, mode: Option<u32>, durable: bool) -> Result<PathBuf, Error> {
        let Self { scrap, target, links, old } = self;
        let failed = |e| local("create", &target, e);
        let ordinary = || old.map_or_else(|| ordinary(&target), Ok);
        let permissions = mode.and_then(system::permissions).map_or_else(ordinary, Ok).map_err(failed)?;
        file.set_permissions(permissions).map_err(failed)?;
        if durable {
            file.sync_all().map_err(|e| local("write", &target, e))?;
        }
        // The target may have changed since the start.
        replaceable(&target, links)?;
        scrap.rename(&target).map_err(failed)?;
        if durable {
            sync_directory(&target).map_err(failed)?;
        }
        Ok(target)
    }
}

/// Puts a file with this content and mode at `path`. A link at the path is replaced. A file that is already right is
/// left alone.
///
/// That check is for speed: some file systems, for example ext4, write a replaced file to disk at once.
#[cfg_attr(not(feature = "incus"), allow(dead_code))]
pub(crate) fn put(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    if is_already(path, content, mode) {
        return Ok(());
    }
    let Begun { mut file, unfinished } = begin(path, Links::Replace)?;
    file.write_all(content).map_err(|e| local("write", path, e))?;
    unfinished.finish(&file, Some(mode), false).map(drop)
}

/// Creates a symbolic link, replacing a file or link.
#[cfg_attr(not(feature = "incus"), allow(dead_code))]
pub(crate) fn put_link(path: &Path, to: &str) -> Result<(), Error> {
    if fs::read_link(path).is_ok_and(|old| old.as_os_str() == to) {
        return Ok(());
    }
    replaceable(path, Links::Replace)?;
    let made = Scrap::beside(path, |scrap| system::symlink(to, scrap));
    made.and_then(|((), scrap)| scrap.rename(path)).map_err(|e| local("create", path, e))
}

/// Writes all pieces, many with one call.
pub(super) fn write_all(file: &mut impl Write, pieces: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut left = slices.as_mut_slice();
    // An empty piece at the front would look like a file that takes nothing.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Follows symbolic links, even to a file that doesn't exist yet.
fn followed(path: &Path) -> Result<PathBuf, Error> {
    /// The limit of Linux.
    const MOST: usize = 40;
    // This also follows the links of /proc, whose targets may have no path.
    match fs::metadata(path) {
        Ok(found) => check(path, &found)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(local("create", path, e)),
    }
    let mut path = path.to_owned();
    for _ in 0..MOST {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::invalid("path", format!("{} leads through too many symbolic links", path.display())))
}

/// The permissions of the file at the target. Fails if it must not be replaced.
fn replaceable(target: &Path, links: Links) -> Result<Option<Permissions>, Error> {
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_symlink() && links == Links::Replace => Ok(None),
        Ok(found) => check(target, &found).map(|()| Some(found.permissions())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(local("create", target, e)),
    }
}

fn check(path: &Path, found: &fs::Metadata) -> Result<(), Error> {
    let what = match found {
        found if found.is_file() => return Ok(()),
        found if found.is_dir() => "a directory",
        _ => "not a regular file",
    };
    Err(Error::invalid("path", format!("{} is {what}", path.display())))
}

fn is_already(path: &Path, content: &[u8], mode: u32) -> bool {
    let is_it = |found: &fs::Metadata| {
        found.is_file() && found.len() == content.len() as u64 && system::has_mode(found, mode)
    };
    fs::symlink_metadata(path).is_ok_and(|found| is_it(&found))
        && fs::read(path).is_ok_and(|old| old == content)
}

/// The permissions that a new file gets from the umask.
fn ordinary(target: &Path) -> io::Result<Permissions> {
    let (empty, _scrap) = Scrap::beside(target, |scrap| system::create_new(scrap, 0o666))?;
    Ok(empty.metadata()?.permissions())
}

/// Syncs the directory, so that a new name survives a power cut.
fn sync_directory(of: &Path) -> io::Result<()> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty());
    system::sync_directory(parent.unwrap_or(Path::new(".")))
}

/// Checks that a mode holds nothing but permissions, including the set-id and sticky bits.
pub(crate) fn checked_mode(mode: u32) -> Result<u32, Error> {
    match mode {
        0..=0o7777 => Ok(mode),
        _ => Err(Error::new(ErrorKind::InvalidInput, format!("mode: {mode:#o} is not a file mode"))
            .with(|e| e.fields.push("mode".to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes few bytes at a time, and is interrupted in between.
    struct Slow(Vec<u8>, u8);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(2) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let part = bytes.len().min(3);
            self.0.extend_from_slice(&bytes[..part]);
            Ok(part)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_file_that_takes_little_at_a_time_gets_all() {
        let pieces = ["", "one", "", "two three", ""].map(|text| Bytes::from_static(text.as_bytes()));
        let mut slow = Slow(Vec::new(), 0);
        assert!(write_all(&mut slow, &pieces).is_ok() && slow.0 == b"onetwo three");
        assert!(write_all(&mut slow, &pieces[..1]).is_ok());
        let full = write_all(&mut &mut [0; 4][..], &pieces).map_err(|e| e.kind());
        assert_eq!(full, Err(io::ErrorKind::WriteZero));
    }
}
