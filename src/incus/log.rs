//! Log files of an instance.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::instance::Subject;
use super::{Instance, InstanceRef};
use crate::error::Error;
use crate::stream::transfer::{Opened, Pull, Source, ranged};
use crate::transport::Label;

impl<D: Subject> Instance<D> {
    /// Names of the instance's log files.
    pub async fn logs(&self) -> Result<Vec<String>, Error> {
        let urls = self.incus.raw().instance_logs_list().name(self.name()).send().await?;
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
        Pull::new(LogSource { instance: self.named(), file: file.into() })
    }

    /// Reads one of the instance's log files into memory, 64 MiB at most.
    pub async fn read_log(&self, file: &str) -> Result<Bytes, Error> {
        self.log(file).bytes().await
    }

    /// Deletes one of the instance's log files. The server refuses that for the ones it writes itself, as `lxc.log`.
    pub async fn delete_log(&self, file: &str) -> Result<(), Error> {
        self.incus.raw().instance_log_delete().name(self.name()).file(file).send().await
    }
}

/// A log file of an instance.
struct LogSource {
    instance: InstanceRef,
    file: String,
}

impl LogSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let Self { instance, file } = self;
        let request = instance.incus.raw().instance_log_get().name(instance.name()).file(file);
        let request = ranged(request, from, |request, range| request.range(range));
        Opened::of(request.send().with_head().await?)
    }
}

impl Source for LogSource {
    fn label(&self) -> Label {
        self.instance.label_part("instance_log_get", &self.file)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}
