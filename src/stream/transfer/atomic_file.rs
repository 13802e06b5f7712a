//! A file that appears only when it is whole, with the right permissions from its first byte.
//!
//! Everything here blocks; [`Draft`](super::Draft) is for asynchronous code.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::blocking::local;
use crate::error::{Error, ErrorKind};

/// What becomes of a symbolic link in the place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// The file behind it is replaced, or made. For paths that the caller chose.
    Follow,
    /// The link itself is replaced. For names that somebody else chose.
    Replace,
}

/// Something under a name of its own that is removed again, unless it was given its right name.
pub(super) struct Scrap(Option<PathBuf>);

impl Drop for Scrap {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nobody is left to tell.
            let _ = fs::remove_file(path);
        }
    }
}

impl Scrap {
    /// Makes something beside `target`. The guard is there before anything else can go wrong.
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

/// The empty file that is to become another one. Nobody else can read it meanwhile.
pub(super) struct Begun {
    pub(super) file: File,
    pub(super) unfinished: Unfinished,
}

/// Where a file is to appear, and what has come so far.
pub(super) struct Unfinished {
    scrap: Scrap,
    target: PathBuf,
    links: Links,
    /// Of the file that is replaced.
    old: Option<Permissions>,
}

/// Begins a file. What exists and is no regular file is refused, be it a directory, a device or a pipe.
pub(super) fn begin(target: &Path, links: Links) -> Result<Begun, Error> {
    let target = match links {
        Links::Follow => followed(target)?,
        Links::Replace => target.to_owned(),
    };
    if target.file_name().is_none() {
        return Err(Error::invalid("path", format!("{} is a directory", target.display())));
    }
    let old = replaceable(&target, links)?;
    let made = Scrap::beside(&target, private);
    let (file, scrap) = made.map_err(|e| local("create", &target, e))?;
    Ok(Begun { file, unfinished: Unfinished { scrap, target, links, old } })
}

impl Unfinished {
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the file its permissions, and then its name.
    ///
    /// Without a mode it gets that of the file that it replaces, or what any new file gets. `durable`: so that not even a
    /// power cut takes it away again.
    pub(super) fn finish(self, file: &File, mode: Option<u32>, durable: bool) -> Result<PathBuf, Error> {
        let Self { scrap, target, links, old } = self;
        let failed = |e| local("create", &target, e);
        let ordinary = || old.map_or_else(|| ordinary(&target), Ok);
        let permissions = mode.and_then(of_mode).map_or_else(ordinary, Ok).map_err(failed)?;
        file.set_permissions(permissions).map_err(failed)?;
        if durable {
            file.sync_all().map_err(|e| local("write", &target, e))?;
        }
        // Much may have happened since it was begun.
        replaceable(&target, links)?;
        scrap.rename(&target).map_err(failed)?;
        if durable {
            sync_directory(&target).map_err(failed)?;
        }
        Ok(target)
    }
}

/// Makes the file at `path` one with this content and mode; a link of that name is replaced. One that is so already isn't
/// touched.
///
/// The check is for speed: replacing a file has some file systems write it to the disk at once, as ext4 does.
#[cfg_attr(not(feature = "incus"), allow(dead_code))]
pub(crate) fn put(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    if is_already(path, content, mode) {
        return Ok(());
    }
    let Begun { mut file, unfinished } = begin(path, Links::Replace)?;
    file.write_all(content).map_err(|e| local("write", path, e))?;
    unfinished.finish(&file, Some(mode), false).map(drop)
}

/// Makes a symbolic link, in the place of a file or a link.
#[cfg(unix)]
#[cfg_attr(not(feature = "incus"), allow(dead_code))]
pub(crate) fn put_link(path: &Path, to: &str) -> Result<(), Error> {
    if fs::read_link(path).is_ok_and(|old| old.as_os_str() == to) {
        return Ok(());
    }
    replaceable(path, Links::Replace)?;
    let made = Scrap::beside(path, |scrap| std::os::unix::fs::symlink(to, scrap));
    made.and_then(|((), scrap)| scrap.rename(path)).map_err(|e| local("create", path, e))
}

pub(super) fn write_all(file: &mut File, pieces: &[Bytes]) -> io::Result<()> {
    pieces.iter().try_for_each(|piece| file.write_all(piece))
}

/// Where a path leads if it is a symbolic link, even one to what isn't there yet.
fn followed(path: &Path) -> Result<PathBuf, Error> {
    /// As many as Linux follows.
    const MOST: usize = 40;
    // This also sees through the links of /proc, which lead to what has no path.
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

/// The permissions of what is in the place of a file, if it may be replaced by one.
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
        _ => "no regular file",
    };
    Err(Error::invalid("path", format!("{} is {what}", path.display())))
}

fn is_already(path: &Path, content: &[u8], mode: u32) -> bool {
    let is_it = |found: &fs::Metadata| {
        found.is_file() && found.len() == content.len() as u64 && of_mode(mode) == Some(permissions(found))
    };
    fs::symlink_metadata(path).is_ok_and(|found| is_it(&found))
        && fs::read(path).is_ok_and(|old| old == content)
}

/// A new file that nobody else can read, not even for a moment.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The permissions that any new file gets here: what the process's umask leaves.
fn ordinary(target: &Path) -> io::Result<Permissions> {
    let make = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
    let (empty, _scrap) = Scrap::beside(target, make)?;
    Ok(empty.metadata()?.permissions())
}

#[cfg(unix)]
fn of_mode(mode: u32) -> Option<Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

/// Only Unix has modes.
#[cfg(not(unix))]
fn of_mode(_: u32) -> Option<Permissions> {
    None
}

/// Without the bits that tell what it is.
#[cfg(unix)]
fn permissions(found: &fs::Metadata) -> Permissions {
    use std::os::unix::fs::PermissionsExt;
    Permissions::from_mode(found.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn permissions(found: &fs::Metadata) -> Permissions {
    found.permissions()
}

/// A new name is kept in its directory.
fn sync_directory(of: &Path) -> io::Result<()> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// A mode is permissions and the three bits in front of them.
pub(crate) fn checked_mode(mode: u32) -> Result<u32, Error> {
    match mode {
        0..=0o7777 => Ok(mode),
        _ => Err(Error::new(ErrorKind::InvalidInput, format!("mode: {mode:#o} is more than permissions"))
            .with(|e| e.fields.push("mode".to_owned()))),
    }
}
