//! What differs between operating systems. [`unix`] and [`elsewhere`] define the same items, and only one is compiled.
//!
//! The other pairs of such files are `incus/connect/local/`, `testing/incus/local/` and `testing/server/local/`.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(any(test, not(unix)))]
mod file_names;
#[cfg(unix)]
mod unix;

#[cfg(all(test, not(unix)))]
pub(crate) use elsewhere::odd_files;
#[cfg(not(unix))]
pub(crate) use elsewhere::{
    LINKS, config_base, create_new, directory, has_mode, link_text, machine, mode, permissions, set_mode,
    symlink, sync_directory, system_path, unfit_name,
};
#[cfg(all(test, unix))]
pub(crate) use unix::odd_files;
#[cfg(unix)]
pub(crate) use unix::{
    LINKS, config_base, create_new, directory, has_mode, link_text, machine, mode, permissions, set_mode,
    symlink, sync_directory, system_path, unfit_name,
};

/// For tests: what it is, and how to make it.
#[cfg(test)]
pub(crate) type OddFile = (&'static str, fn(&std::path::Path));
