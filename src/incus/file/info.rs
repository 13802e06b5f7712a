//! Metadata of a file.

use chrono::{DateTime, Utc};
use http::header::{CONTENT_LENGTH, HeaderMap};

use super::{Instance, checked_path};
use crate::error::Error;
use crate::handle::Identified;
use crate::incus::types::FileType;

/// Metadata of a file, a directory or a symbolic link; from [`Instance::stat`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FileInfo {
    /// File, directory or symbolic link.
    pub file_type: FileType,
    /// Number of the user who owns it.
    pub uid: u32,
    /// Number of the group that owns it.
    pub gid: u32,
    /// Permissions, for example `0o644`.
    pub mode: u32,
    /// When its content last changed, to the second.
    pub modified: Option<DateTime<Utc>>,
    /// Bytes of a file's content; for links the length of the target, for directories none.
    pub size: Option<u64>,
}

impl FileInfo {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.file_type == FileType::Directory
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.file_type == FileType::Symlink
    }

    /// From the headers of an answer; none if the type is missing.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let file_type = FileType::from(text("x-incus-type")?.to_owned());
        let number = |name: &str| text(name).and_then(|number| number.parse().ok());
        Some(Self {
            uid: number("x-incus-uid").unwrap_or_default(),
            gid: number("x-incus-gid").unwrap_or_default(),
            mode: text("x-incus-mode").and_then(octal).unwrap_or_default(),
            modified: text("x-incus-modified").and_then(go_time),
            size: text(CONTENT_LENGTH.as_str())
                .filter(|_| file_type != FileType::Directory)
                .and_then(|size| size.parse().ok()),
            file_type,
        })
    }
}

/// `0644`, `0o644`.
fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0o"), 8).ok()
}

/// A time as Go prints it: `2026-11-20 23:20:14.5 +0100 CET`.
fn go_time(text: &str) -> Option<DateTime<Utc>> {
    let mut words = text.split(' ');
    let (date, time, zone) = (words.next()?, words.next()?, words.next()?);
    let time = DateTime::parse_from_str(&format!("{date} {time} {zone}"), "%Y-%m-%d %H:%M:%S%.f %z");
    Some(time.ok()?.to_utc())
}

impl<D: Identified> Instance<D> {
    /// Reads the metadata of a file, a directory or a symbolic link. Links are not followed.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let log = web.stat("/var/log/syslog").await?;
    /// println!("{:?} bytes, mode {:o}, changed {:?}", log.size, log.mode, log.modified);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        checked_path(path).map_err(|e| self.label_file("instance_file_head", path).on(e))?;
        let request = self.incus.raw().instance_file_head().name(self.name()).path(path);
        let ((), head) = request.send().with_head().await?;
        FileInfo::of(head.headers())
            .ok_or_else(|| head.facts().bad_reply("the answer doesn't tell what the file is"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_go_prints_them() {
        for (text, expected) in [
            ("2026-11-20 23:20:14 +0000 UTC", Some("2026-11-20T23:20:14Z")),
            ("2026-11-20 23:20:14.123456789 +0000 UTC", Some("2026-11-20T23:20:14.123456789Z")),
            ("2026-11-21 00:20:14 +0100 CET", Some("2026-11-20T23:20:14Z")),
            ("2026-11-20 18:20:14 -0500 -0500", Some("2026-11-20T23:20:14Z")),
            ("1970-01-01 00:00:00 +0000 UTC m=+0.1", Some("1970-01-01T00:00:00Z")),
            ("2026-11-20T23:20:14Z", None),
            ("", None),
        ] {
            let expected = expected.and_then(|time| time.parse::<DateTime<Utc>>().ok());
            assert_eq!(go_time(text), expected, "{text}");
        }
    }

    #[test]
    fn modes_are_octal() {
        for (text, expected) in
            [("0640", Some(0o640)), ("4755", Some(0o4755)), ("0o644", Some(0o644)), ("rw", None)]
        {
            assert_eq!(octal(text), expected, "{text}");
        }
    }
}
