//! Listing a directory.

use serde::Deserialize;

use super::pull::{get, is, whole};
use super::sftp::too_many;
use super::tree::MOST_ENTRIES;
use super::{Instance, InstanceRef};
use crate::error::Error;
use crate::handle::Identified;
use crate::incus::types::{FileType, ReplyType};
use crate::wait::into_future;

impl<D: Identified> Instance<D> {
    /// The names in a directory, in no particular order.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// for name in web.read_dir("/etc").await? {
    ///     println!("{name}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none,
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if it is no directory.
    pub fn read_dir(&self, path: impl Into<String>) -> ReadDir {
        ReadDir { instance: self.reference(), path: path.into(), limit: MOST_ENTRIES }
    }
}

/// A directory to list; from [`Instance::read_dir`]. `.await` it.
#[derive(Debug, Clone)]
#[must_use = "nothing is asked for before `.await`"]
pub struct ReadDir {
    instance: InstanceRef,
    path: String,
    limit: usize,
}

impl ReadDir {
    /// The most names to accept; a million if not set. More are an error of
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn max_entries(mut self, names: usize) -> Self {
        self.limit = names;
        self
    }

    async fn send(self) -> Result<Vec<String>, Error> {
        let Self { instance, path, limit } = self;
        let (content, head) = get(&instance, &path, 0).await?;
        if !is(&head, &FileType::Directory) {
            return Err(Error::invalid("path", format!("{path} is no directory")));
        }
        let names = names(&whole(content).await?);
        let names = names.ok_or_else(|| head.facts().bad_reply("the answer is no list of names"))?;
        if names.len() > limit { Err(too_many(limit, &path)) } else { Ok(names) }
    }
}

into_future!(ReadDir => Vec<String>: |it| it.instance.label_file("instance_file_get", &it.path).watch(it.send()).await);

/// What is in the envelope, which is as of other answers.
fn names(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Reply {
        r#type: ReplyType,
        metadata: Option<Vec<String>>,
    }

    let reply: Reply = serde_json::from_slice(body).ok()?;
    (reply.r#type != ReplyType::Error).then(|| reply.metadata.unwrap_or_default())
}
