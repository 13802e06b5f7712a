//! Instances: listing, showing and deleting them, their events and consoles.

use serde_json::{Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, nothing, options, text};
use super::asked::Asked;
use super::life;
use super::networks::must_exist;
use super::release::Release;
use super::state::{is_visible, must_be_created};
use crate::testing::server::reply::Reply;

/// The kinds of events that the server knows.
const EVENT_TYPES: [&str; 7] = ["audit", "mutate", "status", "usage", "resources", "prune", "historic"];

/// `GET /instances`: failed ones, too; deleted ones only on request.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let options = options(asked.request, "InstancesEndpoint", &["all"])?;
    let everything = options.get("all").and_then(Value::as_bool).unwrap_or_default();
    let mut all = asked.world.data();
    // The server builds this list from an index of states, which lacks instances between two states.
    let blind = !everything && all.knobs.blind_lists > 0;
    if blind {
        all.knobs.blind_lists -= 1;
    }
    let missed = |document: &Value| blind && document["state"] != "created" && document["state"] != "error";
    let shown = all.instances.iter().filter(|(_, instance)| {
        let document = &instance.document;
        is_visible(document, &asked.namespace)
            && (everything || (document["state"] != "deleted" && !missed(document)))
    });
    let shown: Vec<Value> = shown.map(|(uuid, _)| all.view(uuid)).collect();
    Ok(data(&json!(shown)))
}

/// `DELETE /instances`.
pub(super) fn delete_all(asked: &Asked<'_>) -> Answer {
    let options = options(asked.request, "InstancesEndpoint", &["confirm", "namespace"])?;
    must_exist(asked, text(&options, "namespace"))?;
    if options.get("confirm") != Some(&Value::Bool(true)) {
        return Err(failure(400, "parameter confirm is not set true"));
    }
    let namespace = match (text(&options, "namespace"), asked.namespace.as_str()) {
        (None, "system") => return Err(failure(400, "system user must specify parameter namespace")),
        (Some(other), own) if own != "system" && other != own => {
            return Err(failure(401, "you cannot delete other namespaces"));
        }
        (chosen, own) => chosen.unwrap_or(own).to_owned(),
    };
    let all = asked.world.data();
    // On 0.8 this includes those that were deleted long ago.
    let old = asked.world.release >= Release::V0_8;
    let mine = all.instances.iter().filter(|(_, instance)| instance.document["namespace"] == *namespace);
    let listed: Vec<String> = mine
        .filter(|(_, instance)| old || instance.document["state"] != "deleted")
        .map(|(uuid, _)| uuid.clone())
        .collect();
    let going: Vec<String> = listed.iter().filter(|uuid| all.state(uuid) != "deleted").cloned().collect();
    let status = all.knobs.accepted;
    drop(all);
    going.iter().for_each(|uuid| life::end(asked.world, uuid));
    Ok(Reply { status, ..data(&json!(listed)) })
}

/// `GET /instances/{instance_ref}`.
pub(super) fn get(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceEndpoint", &["namespace"])?;
    let all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    Ok(data(&all.view(&uuid)))
}

/// `DELETE /instances/{instance_ref}`: starts in the background.
pub(super) fn delete(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceEndpoint", &["namespace"])?;
    let uuid = asked.world.data().find(reference, &asked.namespace)?;
    must_exist(asked, text(&options, "namespace"))?;
    let mut all = asked.world.data();
    if all.state(&uuid) == "deleted" {
        return Err(not_found("instance"));
    }
    if text(&options, "namespace").is_some_and(|only| all.view(&uuid)["namespace"] != only) {
        return Err(failure(404, "instance not in namespace"));
    }
    asked.note(all.instance(&uuid)?, "delete", json!({}));
    let (view, status) = (all.view(&uuid), all.knobs.accepted);
    drop(all);
    life::end(asked.world, &uuid);
    Ok(Reply { status, ..data(&view) })
}

/// `GET …/events`: newest first.
pub(super) fn events(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceEventsEndpoint", &["event_type", "limit"])?;
    let most = options.get("limit").and_then(Value::as_u64).unwrap_or(100);
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let events = all.instance(&uuid)?.events.iter().rev();
    // Of the server's own making: it doesn't check what it is asked for.
    if text(&options, "event_type").is_some_and(|kind| !EVENT_TYPES.contains(&kind)) {
        return Err(failure(500, "server error: InvalidEventType()"));
    }
    let fits = |event: &&Value| text(&options, "event_type").is_none_or(|kind| event["type"] == kind);
    let shown: Vec<&Value> = events.filter(fits).take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
    Ok(data(&json!(shown)))
}

/// `GET …/consoledata`.
pub(super) fn console(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceConsoleDataEndpoint", &["length"])?;
    let length = length(options.get("length"))?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let instance = all.instance(&uuid)?;
    asked.note(instance, "get console data", json!({}));
    let console = &instance.console;
    let from = usize::try_from(length).map_or(0, |length| console.len().saturating_sub(length));
    let bytes = console.get(from..).unwrap_or_default().to_vec();
    Ok(Reply::new(200, bytes).header("Content-Type", "applicaton/octet-stream"))
}

/// How many bytes of a console are asked for; all of them if negative.
fn length(given: Option<&Value>) -> Result<i64, Failure> {
    let number = match given {
        None | Some(Value::Null | Value::Bool(false)) => Some(0),
        Some(Value::String(text)) if text.is_empty() => Some(0),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(given) => given.as_i64(),
    };
    match number.ok_or_else(|| failure(400, "length is not an integer"))? {
        0 => Ok(10_240),
        number => Ok(number),
    }
}

/// `DELETE …/consoledata`.
pub(super) fn clear_console(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceConsoleDataEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let instance = all.instance(&uuid)?;
    asked.note(instance, "delete console data", json!({}));
    instance.console.clear();
    Ok(nothing())
}

/// `GET …/vdiconsolehelper`.
pub(super) fn vdi_helper(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceVDIConsoleHelperEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    asked.note(all.instance(&uuid)?, "vdiconsole", json!({}));
    let view = all.view(&uuid);
    let kind = view["video"]["vdi"].as_str().unwrap_or_default();
    let (port, tls) = (&view["vdi_port"], &view["vdi_tls_port"]);
    let text = format!(
        "[virt-viewer]\ntype={kind}\nhost=localhost\nport={port}\ntls-port={tls}\ndelete-this-file=1\n"
    );
    Ok(Reply::new(200, text).header("Content-Type", "application/x-virt-viewer"))
}

/// `GET …/screenshot`: makes a blob.
pub(super) fn screenshot(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceScreenshotEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let instance = all.instance(&uuid)?;
    must_be_created(&instance.document)?;
    asked.note(instance, "screenshot", json!({}));
    let blob = all.add_blob(bytes::Bytes::from_static(b"P6\n1 1\n255\n\0\0\0"));
    Ok(data(&Value::from(blob)))
}
