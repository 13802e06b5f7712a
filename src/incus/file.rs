//! Files and logs of an instance, whole and in memory.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use progenitor_client::{ByteStream, ResponseValue};

use super::instance::Subject;
use super::reply::open;
use super::types::FileType;
use super::{Instance, checked_name, scoped};
use crate::error::{Error, Kind, Sent};

impl<D: Subject> Instance<D> {
    /// Reads a file; works on stopped instances too.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let release = web.read_file("/etc/os-release").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The path is absolute. A directory is an error of [`Kind::InvalidInput`]; a symbolic link gives its target.
    pub async fn read_file(&self, path: &str) -> Result<Bytes, Error> {
        let name = checked_name("name", self.name())?;
        checked_path(path)?;
        let call = self.incus.call();
        let request = call.instance_file_get().name(name).path(path);
        let result = scoped!(request, self.incus.own_project()).send().await;
        let answer = call.done(result).await?;
        if answer.headers().get("x-incus-type").is_some_and(|kind| kind == "directory") {
            return Err(Error::invalid("path", format!("{path} is a directory")));
        }
        collect(answer).await
    }

    /// Writes a file, replacing what is there; its directory must exist.
    ///
    /// A new file belongs to root and has mode 0644; an existing one keeps its owner and mode.
    pub async fn write_file(&self, path: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        let name = checked_name("name", self.name())?;
        checked_path(path)?;
        let call = self.incus.call();
        let request = call.instance_file_put().name(name).path(path);
        let request = request.x_incus_type(FileType::File).body(reqwest::Body::from(content.into()));
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Names of the instance's log files.
    pub async fn logs(&self) -> Result<Vec<String>, Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_logs_list().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        let urls = open(&call, result).await?;
        let name = |url: &String| Some(url.split('?').next()?.rsplit('/').next()?.to_owned());
        Ok(urls.iter().filter_map(name).collect())
    }

    /// Reads one of the instance's log files.
    pub async fn read_log(&self, file: &str) -> Result<Bytes, Error> {
        let name = checked_name("name", self.name())?;
        let file = checked_name("file", file)?;
        let call = self.incus.call();
        let request = call.instance_log_get().name(name).file(file);
        let result = scoped!(request, self.incus.own_project()).send().await;
        collect(call.done(result).await?).await
    }
}

fn checked_path(path: &str) -> Result<(), Error> {
    if path.starts_with('/') {
        Ok(())
    } else {
        Err(Error::invalid("path", format!("{path:?} is not absolute")))
    }
}

pub(super) async fn collect(answer: ResponseValue<ByteStream>) -> Result<Bytes, Error> {
    let mut stream = answer.into_inner_stream();
    let mut all = BytesMut::new();
    while let Some(chunk) = stream.try_next().await.map_err(broken)? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

fn broken(e: reqwest::Error) -> Error {
    let e = e.without_url();
    Error::new(Kind::Interrupted, format!("the content broke off: {e}")).with(|inner| {
        (inner.api, inner.sent) = ("incus", Sent::Yes);
        inner.source = Some(e.into());
    })
}
