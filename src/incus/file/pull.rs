//! Pulling a file.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::sftp::{REGULAR, Sftp, is_kind};
use super::{FileInfo, Instance, InstanceRef, checked_path};
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::incus::types::FileType;
use crate::stream::transfer::{Opened, Pull, Source, ranged};
use crate::transport::Label;
use crate::transport::{ByteStream, Head};

impl<D: Identified> Instance<D> {
    /// Pulls a file in constant memory: to a file, a writer, a stream, or into memory.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.pull("/var/log/syslog").on_progress(|p| eprintln!("{p}")).to("syslog").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The path is absolute; symbolic links are followed. A directory is an error of [`ErrorKind::InvalidInput`]: see
    /// [`read_dir`](Self::read_dir); so is a pipe, which would be waited for. Works on stopped instances too.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/howto/instances_access_files/>
    pub fn pull(&self, path: impl Into<String>) -> Pull {
        let source = FileSource { instance: self.reference(), path: path.into(), found: OnceLock::new() };
        Pull::new(source)
    }

    /// Where a symbolic link leads, as an absolute path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::InvalidInput`] if it is no link.
    pub async fn read_link(&self, path: &str) -> Result<String, Error> {
        self.label_file("instance_file_get", path).watch(read_link(self.reference(), path)).await
    }
}

async fn read_link(instance: InstanceRef, path: &str) -> Result<String, Error> {
    let (content, head) = get(&instance, path, 0).await?;
    if !is(&head, &FileType::Symlink) {
        return Err(Error::invalid("path", format!("{path} is no symbolic link")));
    }
    target(content, &head).await
}

/// A file inside an instance.
struct FileSource {
    instance: InstanceRef,
    path: String,
    /// Where the links led: the pull of one file doesn't go on in another.
    found: OnceLock<String>,
}

/// As many as Linux follows.
const MOST_LINKS: usize = 40;

impl FileSource {
    async fn find(&self, from: u64) -> Result<Opened, Error> {
        let mut path = self.found.get().unwrap_or(&self.path).clone();
        for _ in 0..=MOST_LINKS {
            let (content, head) = tokio::select! {
                got = get(&self.instance, &path, from) => got?,
                e = never_answers(&self.instance, &path) => return Err(e),
            };
            if is(&head, &FileType::Symlink) {
                path = target(content, &head).await?;
                continue;
            }
            if is(&head, &FileType::Directory) {
                return Err(Error::invalid("path", format!("{path} is a directory")));
            }
            let _ = self.found.set(path);
            let mode = FileInfo::of(head.headers()).map(|info| info.mode & 0o777);
            return Ok(Opened { mode, ..Opened::of((content, head))? });
        }
        Err(Error::invalid("path", format!("{} leads through too many symbolic links", self.path)))
    }
}

/// Ends when it is clear that there won't be an answer: a server waits for a writer of a pipe. It says of those that
/// they are files, and only another channel tells what they are; so that is asked only if there is reason to.
async fn never_answers(instance: &InstanceRef, path: &str) -> Error {
    tokio::time::sleep(LONG).await;
    let looked =
        async { Sftp::connect(instance, crate::stream::transfer::IDLE).await?.look_behind(path).await };
    match looked.await {
        Ok(found) if !is_kind(&found, REGULAR) && found.permissions.is_some() => {
            Error::invalid("path", format!("{path} is no regular file"))
        }
        // The server is only slow.
        _ => std::future::pending().await,
    }
}

/// Longer than the beginning of an answer takes.
const LONG: Duration = Duration::from_secs(2);

impl Source for FileSource {
    fn label(&self) -> Label {
        self.instance.label_file("instance_file_get", &self.path)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.find(from))
    }
}

/// An answer of the files API.
pub(super) type Got = (ByteStream, Head);

/// Asks for whatever is there, from a byte on.
pub(super) async fn get(instance: &InstanceRef, path: &str, from: u64) -> Result<Got, Error> {
    match ask(instance, path, from).await {
        // The next request starts another process in the instance.
        Err(e) if helper_ended(&e) => ask(instance, path, from).await,
        answer => answer,
    }
}

/// For each instance the server has a helper that reads its disk. It ends when it is idle or the instance moves: a
/// request at that moment gets a 500 that isn't about the file.
fn helper_ended(e: &Error) -> bool {
    e.status() == Some(500) && e.message().contains("forkfile.sock")
}

async fn ask(instance: &InstanceRef, path: &str, from: u64) -> Result<Got, Error> {
    checked_path(path)?;
    let request = instance.incus.raw().instance_file_get().name(instance.name()).path(path);
    let request = ranged(request, from, |request, range| request.range(range));
    request.send().with_head().await
}

pub(super) fn is(head: &Head, kind: &FileType) -> bool {
    FileInfo::of(head.headers()).is_some_and(|info| info.file_type == *kind)
}

async fn target(content: ByteStream, head: &Head) -> Result<String, Error> {
    let target = whole(content).await?;
    String::from_utf8(target.into()).map_err(|_| head.facts().bad_reply("the link's target is not UTF-8"))
}

/// A small answer.
pub(super) async fn whole(content: ByteStream) -> Result<Bytes, Error> {
    let limit = crate::stream::transfer::IDLE;
    tokio::time::timeout(limit, content.document())
        .await
        .map_err(|_| Error::new(ErrorKind::Timeout, format!("the answer took longer than {limit:?}")))?
}
