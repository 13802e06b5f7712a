//! Log files of an instance.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::instance::Subject;
use super::reply::open;
use super::{Instance, InstanceRef, checked_name, scoped};
use crate::error::Error;
use crate::transfer::{Opened, Pull, Source, range};

impl<D: Subject> Instance<D> {
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

    /// Pulls one of the instance's log files in constant memory.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// for name in web.logs().await? {
    ///     web.log(&name).to(&name).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn log(&self, file: impl Into<String>) -> Pull {
        Pull::new(LogSource { instance: self.named(), file: file.into() }, self.incus.retry())
    }

    /// Reads one of the instance's log files into memory, 64 MiB at most.
    pub async fn read_log(&self, file: &str) -> Result<Bytes, Error> {
        self.log(file).bytes().await
    }

    /// Deletes one of the instance's log files. The server refuses that for the ones it writes itself, as `lxc.log`.
    pub async fn delete_log(&self, file: &str) -> Result<(), Error> {
        let name = checked_name("name", self.name())?;
        let file = checked_name("file", file)?;
        let call = self.incus.call();
        let request = call.instance_log_delete().name(name).file(file);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }
}

/// A log file of an instance.
struct LogSource {
    instance: InstanceRef,
    file: String,
}

impl LogSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let incus = &self.instance.incus;
        let name = checked_name("name", self.instance.name())?;
        let file = checked_name("file", &self.file)?;
        let call = incus.call();
        let request = call.instance_log_get().name(name).file(file);
        let request = match range(from) {
            Some(range) => request.range(range),
            None => request,
        };
        let result = scoped!(request, incus.own_project()).send().await;
        let answer = call.done(result).await?;
        Opened::of(call, answer)
    }
}

impl Source for LogSource {
    fn api(&self) -> &'static str {
        "incus"
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}
