//! SFTP, for what the files API can't do.

use std::time::Duration;

use futures_util::future::BoxFuture;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};

use super::InstanceRef;
use super::wire::{End, Ended, Wire};
use crate::error::{Error, ErrorKind, Sent};

/// A session in an instance. Dropping it ends it.
pub(super) struct Sftp {
    pub(super) session: RawSftpSession,
    end: End,
    /// How long one answer may take.
    limit: Duration,
}

/// What a directory holds.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) attributes: FileAttributes,
}

/// How many entries may still come.
pub(super) struct Room {
    pub(super) limit: usize,
    pub(super) left: usize,
}

impl Room {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, left: limit }
    }

    pub(super) fn take(&mut self, entries: usize, of: &str) -> Result<(), Error> {
        match self.left.checked_sub(entries) {
            Some(left) => self.left = left,
            None => return Err(too_many(self.limit, of)),
        }
        Ok(())
    }
}

pub(super) fn too_many(limit: usize, of: &str) -> Error {
    let message = format!("{of} has more than {limit} entries: `max_entries` allows more");
    Error::new(ErrorKind::LimitExceeded, message).with(|e| e.sent = Sent::Yes)
}

impl Sftp {
    /// The longest piece that every server takes.
    const PIECE: usize = 32 << 10;

    pub(super) async fn connect(instance: &InstanceRef, limit: Duration) -> Result<Self, Error> {
        let connecting = instance.incus.raw().instance_sftp().name(instance.name()).upgrade("sftp").send();
        let connection = tokio::time::timeout(limit, connecting)
            .await
            .map_err(|_| fault(ErrorKind::Timeout, format!("no SFTP session within {limit:?}")))??;
        Self::over(connection, limit).await
    }

    /// A session over any stream.
    pub(super) async fn over<S>(stream: S, limit: Duration) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (wire, end) = Wire::new(stream);
        // The library's own limit has whole seconds, and is the same for all calls.
        let config = Config { request_timeout_secs: u64::from(u32::MAX), ..Config::default() };
        let session = Self { session: RawSftpSession::new_with_config(wire, config), end, limit };
        session.ask(session.session.init()).await.map_err(|e| told("the session", e))?;
        Ok(session)
    }

    /// One request. Its answer comes in time, or the end of the connection is told.
    pub(super) async fn ask<T>(
        &self,
        request: impl Future<Output = Result<T, SftpError>>,
    ) -> Result<T, Failed> {
        let answer = tokio::time::timeout(self.limit, self.answer(request));
        answer.await.unwrap_or(Err(Failed::Silent(self.limit)))
    }

    /// One request. Its answer comes, or the end of the connection is told.
    pub(super) async fn answer<T>(
        &self,
        request: impl Future<Output = Result<T, SftpError>>,
    ) -> Result<T, Failed> {
        tokio::select! {
            biased;
            answer = request => match answer {
                Ok(answer) => Ok(answer),
                Err(SftpError::Status(status)) => Err(Failed::Told(status.status_code, status.error_message)),
                Err(SftpError::Limited(limit)) => Err(Failed::Unsent(limit)),
                // The session has ended, and the connection ends with it.
                Err(_) => Err(tokio::time::timeout(SOON, self.end.wait()).await.unwrap_or(Ended::Broken).into()),
            },
            ended = self.end.wait() => Err(ended.into()),
        }
    }

    /// What is in a directory; never itself or its parent.
    pub(super) async fn list(&self, path: &str, room: &mut Room) -> Result<Vec<Entry>, Error> {
        let wrong = |e| told(path, e);
        let handle = self.ask(self.session.opendir(path)).await.map_err(wrong)?.handle;
        let mut entries = Vec::new();
        let end = loop {
            match self.ask(self.session.readdir(&handle)).await {
                Ok(batch) if batch.files.is_empty() => break Ok(()),
                Ok(batch) => {
                    if let Err(e) = room.take(batch.files.len(), path) {
                        break Err(e);
                    }
                    entries.extend(
                        batch
                            .files
                            .into_iter()
                            .map(|file| Entry { name: file.filename, attributes: file.attrs }),
                    );
                }
                Err(Failed::Told(StatusCode::Eof, _)) => break Ok(()),
                Err(e) => break Err(wrong(e)),
            }
        };
        let closed = self.close(path, handle).await;
        end.and(closed)?;
        entries.retain(|entry| !matches!(entry.name.as_str(), "." | ".."));
        match entries.iter().find(|entry| !is_text(&entry.name)) {
            Some(odd) => Err(not_text(&format!("{}/{}", path.trim_end_matches('/'), odd.name))),
            None => Ok(entries),
        }
    }

    /// What is there, links not followed.
    pub(super) async fn look(&self, path: &str) -> Result<FileAttributes, Error> {
        self.ask(self.session.lstat(path)).await.map(|found| found.attrs).map_err(|e| told(path, e))
    }

    /// What is there, links followed.
    pub(super) async fn look_behind(&self, path: &str) -> Result<FileAttributes, Error> {
        self.ask(self.session.stat(path)).await.map(|found| found.attrs).map_err(|e| told(path, e))
    }

    /// The target of a link, as it was made.
    pub(super) async fn read_link(&self, path: &str) -> Result<String, Error> {
        let found = self.ask(self.session.readlink(path)).await.map_err(|e| told(path, e))?;
        match found.files.into_iter().next() {
            Some(target) if is_text(&target.filename) => Ok(target.filename),
            Some(_) => Err(not_text(&format!("the target of the link {path}"))),
            None => Err(fault(ErrorKind::BadReply, format!("the link {path} has no target"))),
        }
    }

    /// Makes a link, or gives one that exists another target.
    pub(super) async fn link(&self, path: &str, target: &str) -> Result<(), Error> {
        // In OpenSSH's order of arguments, which differs from the standard's.
        if self.ask(self.session.symlink(target, path)).await.is_ok() {
            return Ok(());
        }
        if self.look(path).await.is_ok_and(|found| found.is_symlink()) {
            self.ask(self.session.remove(path)).await.map_err(|e| told(path, e))?;
        }
        self.ask(self.session.symlink(target, path)).await.map(drop).map_err(|e| told(path, e))
    }

    /// Makes a directory; one that exists will do.
    pub(super) async fn make_dir(&self, path: &str) -> Result<(), Error> {
        match self.ask(self.session.mkdir(path, FileAttributes::empty())).await {
            Ok(_) => Ok(()),
            Err(e) => match self.look(path).await {
                Ok(found) if is_kind(&found, DIRECTORY) => Ok(()),
                Ok(_) => Err(fault(ErrorKind::AlreadyExists, format!("{path} is no directory"))),
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
        let found = match uid.or(gid) {
            Some(_) => self.look(path).await?,
            None => FileAttributes::empty(),
        };
        let wanted = owned(&found, uid, gid, mode);
        self.ask(self.session.setstat(path, wanted)).await.map(drop).map_err(|e| told(path, e))
    }

    /// A small file, whole.
    pub(super) async fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, Error> {
        let wrong = |e| told(path, e);
        let opened = self.session.open(path, OpenFlags::READ, FileAttributes::empty());
        let handle = self.ask(opened).await.map_err(wrong)?.handle;
        let mut all = Vec::new();
        let end = loop {
            match self.ask(self.session.read(&handle, all.len() as u64, Self::PIECE as u32)).await {
                Ok(piece) if piece.data.is_empty() => break Ok(()),
                Ok(piece) => all.extend_from_slice(&piece.data),
                Err(Failed::Told(StatusCode::Eof, _)) => break Ok(()),
                Err(e) => break Err(wrong(e)),
            }
            if all.len() > most {
                break Err(fault(ErrorKind::PreconditionFailed, format!("{path} grew while it was read")));
            }
        };
        let closed = self.close(path, handle).await;
        end.and(closed).map(|()| all)
    }

    /// A small file, whole, with its mode.
    pub(super) async fn write(&self, path: &str, content: &[u8], mode: u32) -> Result<(), Error> {
        // Not truncated first: ext4, for example, flushes a truncated file to the disk at once.
        let opened = self.session.open(path, OpenFlags::WRITE | OpenFlags::CREATE, FileAttributes::empty());
        let handle = self.ask(opened).await.map_err(|e| told(path, e))?.handle;
        let written = self.fill(&handle, content, mode).await.map_err(|e| told(path, e));
        let closed = self.close(path, handle).await;
        written.and(closed)
    }

    async fn fill(&self, handle: &str, content: &[u8], mode: u32) -> Result<(), Failed> {
        let set = |wanted| self.ask(self.session.fsetstat(handle, wanted));
        // Before the first byte, so that the content is never readable to others.
        let first = FileAttributes { permissions: Some(mode & 0o777), ..FileAttributes::empty() };
        let (_, before) =
            futures_util::future::try_join(set(first), self.ask(self.session.fstat(handle))).await?;
        for (number, piece) in content.chunks(Self::PIECE).enumerate() {
            let at = (number * Self::PIECE) as u64;
            self.ask(self.session.write(handle, at, piece.to_vec())).await?;
        }
        let length = content.len() as u64;
        let mut last = FileAttributes::empty();
        if before.attrs.size.is_none_or(|size| size > length) {
            last.size = Some(length);
        }
        if mode > 0o777 {
            // Writing to the file has cleared these bits.
            last.permissions = Some(mode);
        }
        if last.size.is_some() || last.permissions.is_some() {
            set(last).await?;
        }
        Ok(())
    }

    pub(super) fn close<'a>(&'a self, path: &'a str, handle: String) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(
            async move { self.ask(self.session.close(handle)).await.map(drop).map_err(|e| told(path, e)) },
        )
    }
}

/// User and group are set together: an unset one keeps its current value.
pub(super) fn owned(
    found: &FileAttributes,
    uid: Option<u32>,
    gid: Option<u32>,
    mode: Option<u32>,
) -> FileAttributes {
    let (user, group) = match uid.or(gid) {
        Some(_) => (uid.or(found.uid), gid.or(found.gid)),
        None => (None, None),
    };
    FileAttributes { uid: user, gid: group, permissions: mode, ..FileAttributes::empty() }
}

/// The session has noticed the end of its connection; the connection tells in a moment.
const SOON: Duration = Duration::from_secs(1);

pub(super) const DIRECTORY: u32 = 0o040_000;
pub(super) const REGULAR: u32 = 0o100_000;
pub(super) const LINK: u32 = 0o120_000;

/// The kind that a mode tells, compared as a whole: the bits of some kinds are part of others.
pub(super) fn is_kind(attributes: &FileAttributes, kind: u32) -> bool {
    attributes.permissions.is_some_and(|mode| mode & 0o170_000 == kind)
}

fn fault(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message).with(|e| e.sent = Sent::Unknown)
}

/// Why there is no answer, or no good one.
pub(super) enum Failed {
    /// The server's own words.
    Told(StatusCode, String),
    Unsent(String),
    /// The content to send can't be read.
    Unread(String),
    Silent(Duration),
    Broken,
    NotUnderstood,
}

impl From<Ended> for Failed {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Broken => Self::Broken,
            Ended::NotUnderstood => Self::NotUnderstood,
        }
    }
}

/// What became of a request about a path.
pub(super) fn told(path: &str, failed: Failed) -> Error {
    let (kind, sent, message) = match failed {
        Failed::Told(code, message) => (kind(code, &message), Sent::Yes, message),
        Failed::Unsent(limit) => (ErrorKind::Rejected, Sent::No, limit),
        Failed::Unread(why) => (ErrorKind::Io, Sent::Yes, why),
        Failed::Silent(limit) => (ErrorKind::Timeout, Sent::Unknown, format!("no answer within {limit:?}")),
        Failed::Broken => (ErrorKind::Interrupted, Sent::Unknown, "the connection ended".to_owned()),
        Failed::NotUnderstood => {
            (ErrorKind::BadReply, Sent::Yes, "what the server sent is no SFTP packet".to_owned())
        }
    };
    fault(kind, format!("{path}: {message}")).with(|inner| inner.sent = sent)
}

/// What isn't UTF-8 has lost its true bytes by the time that it is text.
fn is_text(name: &str) -> bool {
    !name.contains(char::REPLACEMENT_CHARACTER)
}

fn not_text(what: &str) -> Error {
    fault(ErrorKind::Unsupported, format!("{what} isn't UTF-8"))
}

fn kind(code: StatusCode, message: &str) -> ErrorKind {
    match code {
        StatusCode::NoSuchFile => ErrorKind::NotFound,
        StatusCode::PermissionDenied => ErrorKind::PermissionDenied,
        StatusCode::OpUnsupported => ErrorKind::Unsupported,
        _ if message.contains("file exists") => ErrorKind::AlreadyExists,
        _ if message.contains("directory") => ErrorKind::Conflict,
        _ => ErrorKind::Server,
    }
}
