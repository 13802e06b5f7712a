//! Typed events.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::incus::types;

/// Something that happened on the server.
///
/// ```
/// use windlass::incus::{Event, LifecycleAction};
///
/// fn line(event: &Event) -> Option<String> {
///     match event {
///         Event::Lifecycle(e) if e.action == LifecycleAction::InstanceStarted => {
///             Some(format!("{} started in {} at {:?}", e.name, e.project, e.timestamp))
///         }
///         Event::Gap => Some("look again: something may have been missed".to_owned()),
///         _ => None,
///     }
/// }
/// ```
///
/// Frames can arrive out of order: an operation's end before its last progress. Serialized, it has the vendor's form; a
/// gap is `{"type": "gap"}`.
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/events/>
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Event {
    /// Something came, went or changed: an instance started, a file was pushed.
    Lifecycle(Stamped<types::EventLifecycle>),
    /// A background operation came into being or changed.
    Operation(Stamped<types::Operation>),
    /// An entry of the server's log.
    Logging(Stamped<types::EventLogging>),
    /// The connection broke and stands again: what happened in between is lost. Look at what you follow.
    Gap,
    /// An event that this version doesn't know, unchanged.
    #[serde(untagged)]
    Unknown(Value),
}

/// What happened, and when and where it did.
///
/// The fields of the data, for example of [`types::EventLifecycle`], are reached directly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stamped<D> {
    /// When it happened, by the server's clock.
    pub timestamp: Option<DateTime<Utc>>,
    /// The cluster member on which it happened; `none` on a standalone server.
    #[serde(default)]
    pub location: String,
    /// The project that it belongs to; empty for what belongs to none.
    #[serde(default)]
    pub project: String,
    #[serde(rename = "metadata")]
    data: Box<D>,
}

impl<D> Stamped<D> {
    /// What happened, alone.
    pub fn into_data(self) -> D {
        *self.data
    }
}

impl<D> Deref for Stamped<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.data
    }
}

impl types::EventLifecycle {
    /// The instance that it happened to, or to a part of which it happened: a snapshot, a backup.
    pub fn instance(&self) -> Option<&str> {
        instance_of(&self.source)
    }
}

/// `/1.0/instances/web/snapshots/s1?project=blue` is about `web`.
pub(in crate::incus) fn instance_of(url: &str) -> Option<&str> {
    let path = url.split('?').next()?.strip_prefix("/1.0/instances/")?;
    path.split('/').next().filter(|name| !name.is_empty())
}

pub(in crate::incus) fn decode(frame: &[u8]) -> Event {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }

    let known = match serde_json::from_slice::<Kind>(frame).as_ref().map(|frame| frame.kind.as_str()) {
        Ok("lifecycle") => read(frame).map(Event::Lifecycle),
        Ok("operation") => read(frame).map(Event::Operation),
        Ok("logging") => read(frame).map(Event::Logging),
        _ => None,
    };
    known.unwrap_or_else(|| Event::Unknown(as_it_came(frame)))
}

fn read<D: DeserializeOwned>(frame: &[u8]) -> Option<Stamped<D>> {
    serde_json::from_slice(frame)
        .inspect_err(|e| tracing::debug!(line = e.line(), column = e.column(), "an event of another shape"))
        .ok()
}

/// What isn't even JSON is text.
fn as_it_came(frame: &[u8]) -> Value {
    serde_json::from_slice(frame).unwrap_or_else(|_| String::from_utf8_lossy(frame).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incus::types::{LifecycleAction, LogLevel};

    #[test]
    fn a_lifecycle_event_is_typed() {
        let event = decode(
            br#"{"type":"lifecycle","timestamp":"2026-11-20T23:19:07.789899664Z","metadata":{"action":
            "instance-created","source":"/1.0/instances/ev1","context":{"type":"container"},"requestor":{"username":
            "root","protocol":"unix","address":"@"},"name":"ev1","project":"default","new":1},"location":"none",
            "project":"default"}"#,
        );
        let Event::Lifecycle(event) = event else { unreachable!("{event:?}") };
        assert_eq!((&event.action, event.name.as_str()), (&LifecycleAction::InstanceCreated, "ev1"));
        assert_eq!((event.instance(), event.project.as_str()), (Some("ev1"), "default"));
        assert_eq!(event.requestor.as_ref().map(|by| by.protocol.as_str()), Some("unix"));
        assert_eq!(event.context["type"], "container");
        assert_eq!(event.timestamp.map(|at| at.timestamp_subsec_nanos()), Some(789_899_664));
        assert_eq!(event.extra["new"], 1);
    }

    #[test]
    fn what_is_new_is_kept() {
        let event = decode(br#"{"type":"lifecycle","metadata":{"action":"instance-cloned"}}"#);
        assert!(matches!(event, Event::Lifecycle(e) if e.action.as_str() == "instance-cloned"));
        let event = decode(br#"{"type":"logging","metadata":{"message":"m","level":"loud","context":null}}"#);
        assert!(matches!(event, Event::Logging(e) if e.level == Some(LogLevel::Unknown("loud".into()))));
        let acl = r#"{"type":"network-acl","metadata":{"a":1}}"#;
        assert_eq!(decode(acl.as_bytes()), Event::Unknown(serde_json::from_str(acl).unwrap_or_default()));
    }

    #[test]
    fn events_are_written_in_the_vendors_form() {
        let frame = br#"{"type":"lifecycle","timestamp":"2026-11-20T23:19:07Z","metadata":{"action":"instance-created",
            "source":"/1.0/instances/ev1","new":1},"location":"none","project":"default"}"#;
        let odd = br#"{"type":"network-acl","metadata":{"a":1}}"#;
        for frame in [&frame[..], odd] {
            let written = serde_json::to_vec(&decode(frame)).unwrap_or_default();
            assert_eq!(decode(&written), decode(frame));
            assert!(!written.is_empty());
        }
        assert_eq!(serde_json::to_value(Event::Gap).ok(), Some(serde_json::json!({"type": "gap"})));
    }

    #[test]
    fn what_is_odd_is_kept() {
        for odd in [r#"{"type":"operation","metadata":7}"#, r#"{"type":"lifecycle"}"#, "[]", "7"] {
            let kept = Event::Unknown(serde_json::from_str(odd).unwrap_or_default());
            assert_eq!(decode(odd.as_bytes()), kept, "{odd}");
        }
        assert_eq!(decode(b"\xff?"), Event::Unknown(Value::from("\u{fffd}?")));
    }

    #[test]
    fn instances_by_url() {
        let table = [
            ("/1.0/instances/web", Some("web")),
            ("/1.0/instances/web?project=blue", Some("web")),
            ("/1.0/instances/web/snapshots/s1", Some("web")),
            ("/1.0/instances/", None),
            ("/1.0/instances", None),
            ("/1.0/images/web", None),
            ("", None),
        ];
        for (url, name) in table {
            assert_eq!(instance_of(url), name, "{url:?}");
        }
    }
}
