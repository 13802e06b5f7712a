//! Log files of an instance.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::{Instance, InstanceRef};
use crate::stream::query::Query;
use crate::stream::transfer::{Opened, Pull, Source, ranged};
use crate::transport::Label;

/// A handle on a log file of an instance; from [`Instance::log`] or [`Instance::logs`].
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// for log in web.logs().await? {
///     log.pull().to(log.name()).await?;
/// }
/// # Ok(()) }
/// ```
///
/// The API tells nothing of a log file but its name and content, so there is no `get`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogFile {
    instance: InstanceRef,
    name: String,
}

impl<D: Identified> Instance<D> {
    /// The instance's log files.
    pub fn logs(&self) -> Query<LogFile> {
        let instance = self.reference();
        Query::one(async move {
            let urls = instance.incus.raw().instance_logs_list().name(instance.name()).send().await?;
            let name = |url: &String| Some(url.split('?').next()?.rsplit('/').next()?.to_owned());
            Ok(urls.iter().filter_map(name).map(|name| instance.log(name)).collect())
        })
    }

    /// A handle on a log file, for example `lxc.log`, without a request.
    pub fn log(&self, file: impl Into<String>) -> LogFile {
        LogFile { instance: self.reference(), name: file.into() }
    }
}

impl LogFile {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instance that it belongs to.
    pub fn instance(&self) -> &InstanceRef {
        &self.instance
    }

    /// Pulls it in constant memory.
    pub fn pull(&self) -> Pull {
        Pull::new(LogSource(self.clone()))
    }

    /// Reads it into memory, 64 MiB at most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none,
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) if it is larger.
    pub async fn read(&self) -> Result<Bytes, Error> {
        self.pull().bytes().await
    }

    /// Deletes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for the files that the server itself writes, for
    /// example `lxc.log`.
    pub async fn delete(&self) -> Result<(), Error> {
        let Self { instance, name } = self;
        instance.incus.raw().instance_log_delete().name(instance.name()).file(name).send().await
    }
}

struct LogSource(LogFile);

impl LogSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let LogFile { instance, name } = &self.0;
        let request = instance.incus.raw().instance_log_get().name(instance.name()).file(name);
        let request = ranged(request, from, |request, range| request.range(range));
        Opened::of(request.send().with_head().await?)
    }
}

impl Source for LogSource {
    fn label(&self) -> Label {
        self.0.instance.label_part("instance_log_get", &self.0.name)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}
