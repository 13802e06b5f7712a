//! Unix.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Whether trees are pulled with their symbolic links.
pub(crate) const LINKS: bool = true;

/// Permissions, with set-user-id, set-group-id and sticky.
const ALL_BITS: u32 = 0o7777;

/// Creates a file with this mode, less the umask.
pub(crate) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// Creates directories with this mode, less the umask.
pub(crate) fn directory(mode: u32) -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(mode);
    builder
}

/// The mode without the file type.
pub(crate) fn mode(found: &Metadata) -> u32 {
    found.permissions().mode() & ALL_BITS
}

/// Whether it has this mode.
pub(crate) fn has_mode(found: &Metadata, mode: u32) -> bool {
    self::mode(found) == mode
}

/// The permissions of this mode. `None` where there are no modes.
pub(crate) fn permissions(mode: u32) -> Option<Permissions> {
    Some(Permissions::from_mode(mode))
}

/// Sets the mode of a file or directory.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Creates a symbolic link.
pub(crate) fn symlink(to: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

/// The target of a link as servers write it, or why it can't be written so.
pub(crate) fn link_text(target: &Path) -> Result<String, &'static str> {
    target.to_str().map(str::to_owned).ok_or("it isn't UTF-8")
}

/// The first name in a directory of a server that no file here can have beside those before it.
pub(crate) fn unfit_name<'a>(_: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    None
}

/// Syncs a directory, so that new names in it survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// A path that belongs to the system. `None` where there is none that only an administrator can write to.
pub(crate) fn system_path(path: &str) -> Option<PathBuf> {
    Some(PathBuf::from(path))
}

/// Where programs that follow the system's rules keep settings: an absolute path.
pub(crate) fn config_base(
    variable: impl Fn(&str) -> Option<String>,
    home: impl FnOnce() -> Option<PathBuf>,
) -> Option<PathBuf> {
    let base = match cfg!(target_os = "macos") {
        true => home().map(|home| home.join("Library/Application Support")),
        false => variable("XDG_CONFIG_HOME").map(PathBuf::from),
    };
    base.filter(|path| path.is_absolute())
}

/// For tests: what is no regular file.
#[cfg(test)]
pub(crate) fn odd_files() -> Vec<super::OddFile> {
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.is_ok_and(|status| status.success()));
    };
    vec![("a pipe", pipe), ("a device", |path| assert!(symlink("/dev/zero", path).is_ok()))]
}

/// An id and the host name of this machine, as far as they are known.
///
/// Without unsafe code only the kernel's files tell the host name.
pub(crate) fn machine() -> [String; 2] {
    ["/etc/machine-id", "/proc/sys/kernel/hostname"].map(|path| fs::read_to_string(path).unwrap_or_default())
}
