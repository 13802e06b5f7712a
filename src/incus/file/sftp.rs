//! SFTP: what the plain calls can't do.

use futures_util::future::BoxFuture;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};

use super::InstanceRef;
use crate::error::{Error, Kind, Sent};
use crate::incus::{checked_name, scoped};

/// A session in an instance. Dropping it ends it.
pub(super) struct Sftp(RawSftpSession);

/// What a directory holds.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) attributes: FileAttributes,
}

impl Sftp {
    /// The longest piece that every server takes.
    const PIECE: usize = 32 << 10;

    pub(super) async fn connect(instance: &InstanceRef) -> Result<Self, Error> {
        let name = checked_name("name", instance.name())?;
        let incus = &instance.incus;
        let call = incus.call();
        let request = call.instance_sftp().name(name).upgrade("sftp");
        let connecting = async {
            let result = scoped!(request, incus.own_project()).send().await;
            call.done(result).await
        };
        let limit = crate::transfer::IDLE;
        let answer = tokio::time::timeout(limit, connecting)
            .await
            .map_err(|_| fault(Kind::Timeout, format!("no SFTP session within {limit:?}")))??;
        let config = Config { request_timeout_secs: limit.as_secs(), ..Config::default() };
        let session = Self(RawSftpSession::new_with_config(answer.into_inner(), config));
        session.0.init().await.map_err(|e| told("", e))?;
        Ok(session)
    }

    /// What is in a directory; never itself or its parent.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Entry>, Error> {
        let wrong = |e| told(path, e);
        let handle = self.0.opendir(path).await.map_err(wrong)?.handle;
        let mut entries = Vec::new();
        let end = loop {
            match self.0.readdir(&handle).await {
                Ok(batch) if batch.files.is_empty() => break Ok(()),
                Ok(batch) => entries.extend(
                    batch.files.into_iter().map(|file| Entry { name: file.filename, attributes: file.attrs }),
                ),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break Ok(()),
                Err(e) => break Err(wrong(e)),
            }
        };
        self.close(path, handle).await?;
        end?;
        entries.retain(|entry| !matches!(entry.name.as_str(), "." | ".."));
        Ok(entries)
    }

    /// What is there, links not followed.
    pub(super) async fn look(&self, path: &str) -> Result<FileAttributes, Error> {
        self.0.lstat(path).await.map(|found| found.attrs).map_err(|e| told(path, e))
    }

    /// The target of a link, as it was made.
    pub(super) async fn read_link(&self, path: &str) -> Result<String, Error> {
        let found = self.0.readlink(path).await.map_err(|e| told(path, e))?;
        let target = found.files.into_iter().next().map(|file| file.filename);
        target.ok_or_else(|| fault(Kind::BadReply, format!("the link {path} has no target")))
    }

    /// Makes a link, or gives one that exists another target.
    pub(super) async fn link(&self, path: &str, target: &str) -> Result<(), Error> {
        // The order of the arguments is OpenSSH's, which is not that of the standard.
        if self.0.symlink(target, path).await.is_ok() {
            return Ok(());
        }
        if self.look(path).await.is_ok_and(|found| found.is_symlink()) {
            self.0.remove(path).await.map_err(|e| told(path, e))?;
        }
        self.0.symlink(target, path).await.map(drop).map_err(|e| told(path, e))
    }

    /// Makes a directory; one that exists will do.
    pub(super) async fn make_dir(&self, path: &str) -> Result<(), Error> {
        match self.0.mkdir(path, FileAttributes::empty()).await {
            Ok(_) => Ok(()),
            Err(e) => match self.look(path).await {
                Ok(found) if is_kind(&found, DIRECTORY) => Ok(()),
                Ok(_) => Err(fault(Kind::AlreadyExists, format!("{path} is no directory"))),
                Err(_) => Err(told(path, e)),
            },
        }
    }

    /// Changes owner and mode of what exists.
    pub(super) async fn set(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        mode: Option<u32>,
    ) -> Result<(), Error> {
        let mut wanted = FileAttributes { permissions: mode, ..FileAttributes::empty() };
        if uid.is_some() || gid.is_some() {
            // They go together: one that isn't wanted must be what it is.
            let found = self.look(path).await?;
            (wanted.uid, wanted.gid) = (uid.or(found.uid), gid.or(found.gid));
        }
        self.0.setstat(path, wanted).await.map(drop).map_err(|e| told(path, e))
    }

    /// A small file, whole.
    pub(super) async fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, Error> {
        let wrong = |e| told(path, e);
        let opened = self.0.open(path, OpenFlags::READ, FileAttributes::empty()).await.map_err(wrong)?;
        let mut all = Vec::new();
        let end = loop {
            match self.0.read(&opened.handle, all.len() as u64, Self::PIECE as u32).await {
                Ok(piece) if piece.data.is_empty() => break Ok(()),
                Ok(piece) => all.extend_from_slice(&piece.data),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break Ok(()),
                Err(e) => break Err(wrong(e)),
            }
            if all.len() > most {
                break Err(fault(Kind::PreconditionFailed, format!("{path} grew while it was read")));
            }
        };
        self.close(path, opened.handle).await?;
        end.map(|()| all)
    }

    /// A small file, whole, with its mode.
    pub(super) async fn write(&self, path: &str, content: &[u8], mode: u32) -> Result<(), Error> {
        let wrong = |e| told(path, e);
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let opened = self.0.open(path, flags, FileAttributes::empty()).await.map_err(wrong)?;
        let written = async {
            for (number, piece) in content.chunks(Self::PIECE).enumerate() {
                let at = (number * Self::PIECE) as u64;
                self.0.write(&opened.handle, at, piece.to_vec()).await.map_err(wrong)?;
            }
            Ok::<_, Error>(())
        };
        let written = written.await;
        self.close(path, opened.handle.clone()).await?;
        written?;
        self.set(path, None, None, Some(mode)).await
    }

    fn close<'a>(&'a self, path: &'a str, handle: String) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.0.close(handle).await.map(drop).map_err(|e| told(path, e)) })
    }
}

pub(super) const DIRECTORY: u32 = 0o040_000;
pub(super) const REGULAR: u32 = 0o100_000;
pub(super) const LINK: u32 = 0o120_000;

/// The kind that a mode tells, compared as a whole: the bits of some kinds are part of others.
pub(super) fn is_kind(attributes: &FileAttributes, kind: u32) -> bool {
    attributes.permissions.is_some_and(|mode| mode & 0o170_000 == kind)
}

fn fault(kind: Kind, message: impl Into<String>) -> Error {
    Error::new(kind, message)
        .with(|e| (e.api, e.operation, e.sent) = ("incus", "instance_sftp", Sent::Unknown))
}

/// What the server said of a path.
fn told(path: &str, e: SftpError) -> Error {
    let (kind, sent) = match &e {
        SftpError::Status(status) => (kind(status.status_code, &status.error_message), Sent::Yes),
        SftpError::Timeout => (Kind::Timeout, Sent::Unknown),
        SftpError::IO(_) => (Kind::Interrupted, Sent::Unknown),
        SftpError::Limited(_) => (Kind::Rejected, Sent::No),
        // Also what is said when the connection has ended.
        _ => (Kind::Interrupted, Sent::Unknown),
    };
    let message = match &e {
        SftpError::Status(status) => status.error_message.clone(),
        other => other.to_string(),
    };
    fault(kind, format!("{path}: {message}")).with(|inner| inner.sent = sent)
}

fn kind(code: StatusCode, message: &str) -> Kind {
    match code {
        StatusCode::NoSuchFile => Kind::NotFound,
        StatusCode::PermissionDenied => Kind::PermissionDenied,
        StatusCode::OpUnsupported => Kind::Unsupported,
        _ if message.contains("file exists") => Kind::AlreadyExists,
        _ if message.contains("directory") => Kind::Conflict,
        _ => Kind::Server,
    }
}
