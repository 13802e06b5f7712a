//! Logs: what instances and builds wrote.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::client::Koyeb;
use super::deployment::Deployment;
use super::instance::Instance;
use super::parameters::push;
use super::service::Service;
use super::types::{self, LogStream, LogType, Order};
use crate::error::Error;
use crate::handle::Identified;

/// Gives a raw call what is in a filter. A macro, because searching and following have calls of different types.
macro_rules! narrowed {
    ($call:expr, $filter:expr) => {{
        let filter = $filter;
        $crate::koyeb::parameters::given!($call;
            type_ = filter.kind,
            app_id = filter.app,
            service_id = filter.service,
            deployment_id = filter.deployment,
            regional_deployment_id = filter.regional_deployment,
            instance_ids = filter.instances,
            streams = filter.streams,
            regions = filter.regions,
            regex = filter.regex,
            text = filter.text,
            start = filter.start,
            limit = filter.limit.map(|limit| limit.to_string()),
        )
    }};
}
pub(super) use narrowed;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LogLine {
    /// Its text.
    pub message: String,
    /// When it was written.
    pub created_at: Option<DateTime<Utc>>,
    /// What it was written to.
    pub stream: LogStream,
    /// The instance that wrote it, if it was one.
    pub instance_id: Option<String>,
    /// Its service.
    pub service_id: Option<String>,
    /// Its app.
    pub app_id: Option<String>,
    /// What this version doesn't know.
    pub extra: Map<String, Value>,
}

impl From<types::LogEntry> for LogLine {
    fn from(came: types::LogEntry) -> Self {
        let mut line = Self {
            message: came.msg,
            created_at: came.created_at,
            stream: LogStream::default(),
            instance_id: None,
            service_id: None,
            app_id: None,
            extra: came.extra,
        };
        if let Some(labels) = came.labels {
            line.stream = labels.stream;
            line.instance_id = labels.instance_id;
            line.service_id = labels.service_id;
            line.app_id = labels.app_id;
        }
        line
    }
}

/// A query for lines; from [`Koyeb::logs`] or the `logs` of an instance, a service or a deployment.
///
/// ```no_run
/// use windlass::koyeb::LogStream;
/// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
/// let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
/// let errors = koyeb.service("8a41").logs().log_stream(LogStream::Stderr).start(hour_ago).text("timeout");
/// for line in errors.await? {
///     println!("{:?} {}", line.created_at, line.message);
/// }
/// # Ok(()) }
/// ```
///
/// `.await` it for a `Vec` of what was written, or read that line by line with [`stream`](Self::stream);
/// [`tail`](Self::tail) follows what is being written.
///
/// Vendor's page: <https://www.koyeb.com/docs/run-and-scale/logs>
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`, `.stream()` or `.tail().await`"]
pub struct Logs {
    pub(super) koyeb: Koyeb,
    pub(super) filter: Filter,
    pub(super) end: Option<DateTime<Utc>>,
    pub(super) order: Option<Order>,
}

/// What searching and following have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) kind: Option<LogType>,
    pub(super) app: Option<String>,
    pub(super) service: Option<String>,
    pub(super) deployment: Option<String>,
    pub(super) regional_deployment: Option<String>,
    pub(super) instances: Option<Vec<String>>,
    pub(super) streams: Option<Vec<LogStream>>,
    pub(super) regions: Option<Vec<String>>,
    pub(super) regex: Option<String>,
    pub(super) text: Option<String>,
    pub(super) start: Option<DateTime<Utc>>,
    pub(super) limit: Option<u32>,
}

impl Koyeb {
    /// Logs. At least an app, a service, a deployment or an instance must be named.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if nothing is named, or if filters exclude each other, and those of
    /// [every request](Koyeb#errors).
    pub fn logs(&self) -> Logs {
        Logs { koyeb: self.clone(), filter: Filter::default(), end: None, order: None }
    }
}

impl<D: Identified> Instance<D> {
    /// What it wrote.
    pub fn logs(&self) -> Logs {
        self.koyeb.logs().instance(self.id())
    }
}

impl<D: Identified> Service<D> {
    /// What its instances wrote, or with [`Logs::build`] its builds.
    pub fn logs(&self) -> Logs {
        self.koyeb.logs().service(self.id())
    }
}

impl<D: Identified> Deployment<D> {
    /// What its instances wrote, or with [`Logs::build`] its build.
    pub fn logs(&self) -> Logs {
        self.koyeb.logs().deployment(self.id())
    }
}

impl Logs {
    /// What builds wrote, instead of instances.
    pub fn build(mut self) -> Self {
        self.filter.kind = Some(LogType::Build);
        self
    }

    /// Only those of this app, by its id.
    pub fn app(mut self, id: impl Into<String>) -> Self {
        self.filter.app = Some(id.into());
        self
    }

    /// Only those of this service, by its id.
    pub fn service(mut self, id: impl Into<String>) -> Self {
        self.filter.service = Some(id.into());
        self
    }

    /// Only those of this deployment, by its id.
    pub fn deployment(mut self, id: impl Into<String>) -> Self {
        self.filter.deployment = Some(id.into());
        self
    }

    /// Only those of this regional deployment, by its id.
    pub fn regional_deployment(mut self, id: impl Into<String>) -> Self {
        self.filter.regional_deployment = Some(id.into());
        self
    }

    /// Only those of this instance, by its id; repeated calls are ORed.
    pub fn instance(mut self, id: impl Into<String>) -> Self {
        push(&mut self.filter.instances, id.into());
        self
    }

    /// Only those of this stream; repeated calls are ORed.
    pub fn log_stream(mut self, stream: LogStream) -> Self {
        push(&mut self.filter.streams, stream);
        self
    }

    /// Only those of this region; repeated calls are ORed.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        push(&mut self.filter.regions, region.into());
        self
    }

    /// Only lines with this text. Not together with [`regex`](Self::regex).
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.filter.text = Some(text.into());
        self
    }

    /// Only lines that match. Not together with [`text`](Self::text).
    pub fn regex(mut self, regex: impl Into<String>) -> Self {
        self.filter.regex = Some(regex.into());
        self
    }

    /// From this time on: a `SystemTime` or a time of `chrono`. If not set, a search starts 15 minutes ago and a tail
    /// 24 hours ago.
    pub fn start(mut self, time: impl Into<DateTime<Utc>>) -> Self {
        self.filter.start = Some(time.into());
        self
    }

    /// Up to this time; now if not set. A tail has no end.
    pub fn end(mut self, time: impl Into<DateTime<Utc>>) -> Self {
        self.end = Some(time.into());
        self
    }

    /// Which lines come first: the newest if not set. A tail has the oldest first.
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// How many lines on a page of a search (100 if not set), or how many old ones a tail begins with (1000 if not
    /// set): 1 to 1000.
    pub fn limit(mut self, lines: u32) -> Self {
        self.filter.limit = Some(lines);
        self
    }

    pub(super) fn has_end_or_order(&self) -> bool {
        self.end.is_some() || self.order.is_some()
    }
}

impl Filter {
    /// Refuses what the service would refuse, or ignore.
    pub(super) fn check(&self) -> Result<(), Error> {
        let ids = [&self.app, &self.service, &self.deployment, &self.regional_deployment];
        if self.instances.is_none() && ids.iter().all(|id| id.is_none()) {
            return Err(Error::invalid("logs", "no app, service, deployment or instance is named"));
        }
        let instances = self.instances.iter().flatten();
        if ids.into_iter().flatten().chain(instances).any(String::is_empty) {
            return Err(Error::invalid("id", "is empty"));
        }
        if self.regex.is_some() && self.text.is_some() {
            return Err(Error::invalid("regex", "can't be asked for together with a text"));
        }
        match self.limit {
            Some(0 | 1001..) => Err(Error::invalid("limit", "is not between 1 and 1000")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused() {
        let filter = |change: fn(&mut Filter)| {
            let mut filter = Filter { service: Some("s".into()), ..Filter::default() };
            change(&mut filter);
            filter.check().map_err(|e| e.fields().join(","))
        };
        assert_eq!(filter(|_| ()), Ok(()));
        assert_eq!(filter(|filter| filter.service = None), Err("logs".into()));
        assert_eq!(filter(|filter| filter.service = Some(String::new())), Err("id".into()));
        assert_eq!(filter(|filter| filter.limit = Some(0)), Err("limit".into()));
        assert_eq!(filter(|filter| filter.limit = Some(1001)), Err("limit".into()));
        assert_eq!(filter(|filter| filter.limit = Some(1000)), Ok(()));
        let both = |filter: &mut Filter| (filter.regex, filter.text) = (Some("a".into()), Some("a".into()));
        assert_eq!(filter(both), Err("regex".into()));
    }
}
