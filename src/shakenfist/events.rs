//! What happened to an instance.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::instance::{Instance, InstanceRef};
use super::types::{self, EventType};
use crate::error::Error;
use crate::handle::Identified;
use crate::stream::list::List;
use crate::wait::into_future;

/// Something that happened to an instance.
///
/// Vendor's page: <https://shakenfist.com/user_guide/events/>
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// Its type.
    pub kind: EventType,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// The node on which it happened.
    pub node: String,
    /// How long it took, if it took time.
    pub duration: Option<Duration>,
    /// What happened, in words.
    pub message: String,
    /// Details. The keys depend on the message.
    pub details: Map<String, Value>,
}

/// Past events of an instance, newest first; from [`Instance::events`]. `.await` it for a `Vec`, or take the
/// [`stream`](Self::stream).
///
/// # Errors
///
/// Those of [every request](crate::ShakenFist#errors).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Events {
    instance: InstanceRef,
    kind: Option<EventType>,
    limit: Option<u32>,
}

impl<D: Identified> Instance<D> {
    /// What happened to the instance, newest first.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{EventType, Instance};
    /// # async fn demo(web: Instance) -> windlass::Result<()> {
    /// for event in web.events().kind(EventType::Audit).limit(20).await? {
    ///     println!("{} {}", event.time, event.message);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// On 0.7 an event appears some seconds late.
    pub fn events(&self) -> Events {
        Events { instance: self.reference(), kind: None, limit: None }
    }
}

impl Events {
    /// Only those of this type. [`Unsupported`](crate::ErrorKind::Unsupported) on servers that can't filter.
    pub fn kind(mut self, kind: EventType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// At most this many (default: 100). Older ones can't be asked for.
    pub fn limit(mut self, count: u32) -> Self {
        self.limit = Some(count);
        self
    }

    /// The list as a stream. The API has no pages: one request brings all.
    pub fn stream(self) -> List<Event> {
        List::once(async move { self.fetch().await })
    }

    async fn fetch(self) -> Result<Vec<Event>, Error> {
        let reference = self.instance.segment()?;
        let sf = &self.instance.sf;
        if self.kind.is_some() {
            sf.require("instance_events", "events-by-type", "list events by type").await?;
        }
        let query = types::EventsQuery { event_type: self.kind, limit: self.limit.map(i64::from) };
        let all = sf.raw().instance_events().instance_ref(reference).body(query).send().await?;
        Ok(all.0.into_iter().map(Event::from).collect())
    }
}

into_future!(Events => Vec<Event>: |query| query.fetch().await);

impl From<types::Event> for Event {
    /// What is missing or has another form is left empty; unknown members are kept in the details.
    fn from(event: types::Event) -> Self {
        let mut members = event.0;
        let mut text = |key: &str| match members.remove(key) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (kind, node, message) = (text("type"), text("fqdn"), text("message"));
        let mut number = |key: &str| members.remove(key).and_then(|value| value.as_f64());
        let (time, duration) = (number("timestamp").unwrap_or_default(), number("duration"));
        let mut details = match members.remove("extra") {
            Some(Value::Object(extra)) => extra,
            _ => Map::new(),
        };
        details.extend(members);
        Self {
            kind: EventType::from(kind),
            time: moment(time),
            node,
            duration: duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            message,
            details,
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // microseconds of our age fit
fn moment(seconds: f64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros((seconds * 1e6) as i64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: Value) -> Event {
        match json {
            Value::Object(members) => Event::from(types::Event(members)),
            other => unreachable!("{other}"),
        }
    }

    #[test]
    fn an_event_as_recorded() {
        let seen = event(serde_json::json!({
            "type": "mutate", "timestamp": 1795217122.4158392, "fqdn": "localhost", "duration": 0.5,
            "message": "set attribute", "extra": {"attribute": "metadata"}, "correlation": 7
        }));
        assert_eq!(seen.kind, EventType::Mutate);
        assert_eq!(seen.time.timestamp_millis(), 1_795_217_122_415);
        assert_eq!((seen.node.as_str(), seen.message.as_str()), ("localhost", "set attribute"));
        assert_eq!(seen.duration, Some(Duration::from_millis(500)));
        assert_eq!(seen.details.get("attribute"), Some(&Value::from("metadata")));
        assert_eq!(seen.details.get("correlation"), Some(&Value::from(7)));
    }

    #[test]
    fn odd_events_are_kept() {
        let odd =
            event(serde_json::json!({"type": "dream", "timestamp": null, "duration": null, "extra": null}));
        assert_eq!(odd.kind.as_str(), "dream");
        assert_eq!((odd.duration, odd.time.timestamp()), (None, 0));
    }
}
