//! The files of an instance, by requests and by SFTP.

mod raw;
mod requests;
mod sftp;

pub(super) use raw::raw;
pub(super) use requests::files;
pub(super) use sftp::sftp;
