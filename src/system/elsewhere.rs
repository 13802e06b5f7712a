//! Systems other than Unix. The facts about Windows are from its documentation.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::path::{Component, Path, PathBuf};

pub(crate) use super::file_names::unfit_name;

/// Whether trees are pulled with their symbolic links. Windows lets few users create any.
pub(crate) const LINKS: bool = false;

/// Creates a file. Who can read it follows from its directory.
pub(crate) fn create_new(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Creates directories. Who can look into them follows from the one above.
pub(crate) fn directory(_mode: u32) -> DirBuilder {
    DirBuilder::new()
}

/// The mode that a server is told.
pub(crate) fn mode(found: &Metadata) -> u32 {
    if found.is_dir() { 0o755 } else { 0o644 }
}

/// Whether it has this mode: there are none, so nothing is to be changed.
pub(crate) fn has_mode(_: &Metadata, _mode: u32) -> bool {
    true
}

/// The permissions of this mode: there are none.
pub(crate) fn permissions(_mode: u32) -> Option<Permissions> {
    None
}

/// Sets the mode of a file or directory: there are none.
pub(crate) fn set_mode(_: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Fails: see [`LINKS`].
pub(crate) fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "symbolic links are created on Unix only"))
}

/// The target of a link as servers write it, or why it can't be written so.
pub(crate) fn link_text(target: &Path) -> Result<String, &'static str> {
    let part = |part: Component<'_>| match part {
        Component::CurDir => Ok(".".to_owned()),
        Component::ParentDir => Ok("..".to_owned()),
        Component::Normal(name) => name.to_str().map(str::to_owned).ok_or("it isn't UTF-8"),
        Component::Prefix(_) | Component::RootDir => Err("it leads to a drive of this machine"),
    };
    target.components().map(part).collect::<Result<Vec<_>, _>>().map(|parts| parts.join("/"))
}

/// Syncs nothing: a directory can't be opened as a file. NTFS keeps a journal of names.
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// There is none: on Windows every user may create `\etc` on the drive of the system.
pub(crate) fn system_path(_: &str) -> Option<PathBuf> {
    None
}

/// Where programs that follow the system's rules keep settings: an absolute path.
pub(crate) fn config_base(
    variable: impl Fn(&str) -> Option<String>,
    _home: impl FnOnce() -> Option<PathBuf>,
) -> Option<PathBuf> {
    variable("APPDATA").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// For tests: what is no regular file.
#[cfg(test)]
pub(crate) fn odd_files() -> Vec<super::OddFile> {
    Vec::new()
}

/// An id and the host name of this machine, as far as they are known.
pub(crate) fn machine() -> [String; 2] {
    [String::new(), std::env::var("COMPUTERNAME").unwrap_or_default()]
}
