//! Instances: making, showing and deleting them, and what is noted on them.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, nothing, options, text};
use super::api::Asked;
use super::networks::{self, Refusal};
use super::state::{Data, Instance, Tree, is_visible, uuid};
use super::{Release, life};
use crate::testing::server::reply::Reply;

const CREATE: &[&str] = &[
    "name",
    "cpus",
    "memory",
    "network",
    "disk",
    "ssh_key",
    "user_data",
    "placed_on",
    "namespace",
    "video",
    "uefi",
    "configdrive",
    "metadata",
    "nvram_template",
    "secure_boot",
    "side_channels",
];

/// `GET /instances`: failed ones too, deleted ones only if asked for.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let options = options(asked.request, "InstancesEndpoint", &["all"])?;
    let everything = options.get("all").and_then(Value::as_bool).unwrap_or_default();
    let mut all = asked.world.data();
    // This list is made from the states' own index, which something in between two states isn't in.
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

/// `POST /instances`.
pub(super) fn create(asked: &Asked<'_>) -> Answer {
    let mut wanted = options(asked.request, "InstancesEndpoint", CREATE)?;
    let namespace = text(&wanted, "namespace").unwrap_or(&asked.namespace).to_owned();
    if namespace != asked.namespace && asked.namespace != "system" {
        return Err(failure(404, "namespace not found"));
    }
    check(&wanted)?;
    let mut all = asked.world.data();
    check_disks(&all, &wanted)?;
    let doomed = all.knobs.failing.clone().or_else(|| unreachable_image(&wanted));
    let nics = networks::wanted(&all, wanted.remove("network"), &namespace)?;
    let uuid = uuid();
    all.instances.insert(uuid.clone(), record(&uuid, &namespace, &wanted));
    // From here on a refusal leaves the record behind.
    if let Err(Refusal { message, failure }) = networks::plug_all(&mut all, &uuid, nics) {
        return refuse(asked, all, &uuid, &message, failure);
    }
    if wanted.get("cpus").and_then(Value::as_i64).is_some_and(|cpus| cpus > 64) {
        return refuse(
            asked,
            all,
            &uuid,
            "scheduling failed",
            failure(507, "Requested vCPUs exceeds vCPU limit"),
        );
    }
    if all.knobs.full.0 > 0 {
        all.knobs.full.0 -= 1;
        let refusal = no_room(all.knobs.full.1);
        return refuse(asked, all, &uuid, "scheduling failed", refusal);
    }
    let (view, status) = (all.view(&uuid), all.knobs.accepted);
    drop(all);
    life::begin(asked.world, &uuid, doomed);
    Ok(Reply { status, ..data(&view) })
}

fn refuse(
    asked: &Asked<'_>,
    all: std::sync::MutexGuard<'_, Data>,
    uuid: &str,
    message: &str,
    failure: Failure,
) -> Answer {
    drop(all);
    life::break_down(asked.world, uuid, message);
    Err(failure)
}

/// As the newest servers say it.
fn no_room(transient: bool) -> Failure {
    let failure = failure(507, "insufficient resources").with("stage", "cpu").with("transient", transient);
    if transient { failure.header("Retry-After", 1) } else { failure }
}

fn check(wanted: &Map<String, Value>) -> Result<(), Failure> {
    let Some(name) = text(wanted, "name") else {
        return Err(failure(400, "argument of type 'NoneType' is not iterable"));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
        let end = "That is, less than 63 characters and in the character set: a-z, A-Z, 0-9, or hyphen (-).";
        return Err(failure(
            400,
            format!("instance name {name} is not useable as a DNS and Linux host name. {end}"),
        ));
    }
    let on = |key: &str| wanted.get(key).and_then(Value::as_bool).unwrap_or_default();
    if on("secure_boot") && !on("uefi") {
        return Err(failure(400, "secure boot requires UEFI be enabled"));
    }
    if text(wanted, "placed_on").is_some_and(|node| node != "localhost") {
        return Err(failure(404, "Specified node does not exist"));
    }
    match wanted.get("metadata") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(metadata)) => {
            metadata.iter().try_for_each(|(key, value)| check_metadata(key, Some(value)).map(drop))
        }
        Some(_) => Err(failure(400, "metadata must be a dictionary")),
    }
}

fn check_disks(all: &Data, wanted: &Map<String, Value>) -> Result<(), Failure> {
    let disks = wanted.get("disk").and_then(Value::as_array).filter(|disks| !disks.is_empty());
    let disks = disks.ok_or_else(|| failure(400, "instance must specify at least one disk"))?;
    for disk in disks {
        let disk =
            disk.as_object().ok_or_else(|| failure(400, "disk specification should contain JSON objects"))?;
        let bus = text(disk, "bus").unwrap_or("virtio");
        if !["virtio", "sata", "scsi", "usb", "nvme"].contains(&bus) {
            return Err(failure(400, format!("invalid disk bus {bus}")));
        }
        let base = text(disk, "base").unwrap_or_default();
        let stored = base.starts_with("label:") || base.starts_with("sf://");
        let known = all.artifacts.values().any(|artifact| artifact["source_url"] == base);
        if stored && !known && !base.starts_with("sf://blob/") {
            return Err(not_found("artifact"));
        }
    }
    Ok(())
}

/// There is no Internet here.
fn unreachable_image(wanted: &Map<String, Value>) -> Option<(String, String)> {
    let disks = wanted.get("disk").and_then(Value::as_array)?;
    let url = disks.iter().filter_map(|disk| disk["base"].as_str()).find(|base| base.starts_with("http"))?;
    let message = format!("Image fetch failed: Failed to fetch image: {url} Exception: Connection refused");
    Some(("preflight".to_owned(), message))
}

fn record(uuid: &str, namespace: &str, wanted: &Map<String, Value>) -> Instance {
    let given = |key: &str| wanted.get(key).cloned().unwrap_or_default();
    let or =
        |key: &str, other: Value| wanted.get(key).filter(|value| !value.is_null()).cloned().unwrap_or(other);
    let mut disks = given("disk");
    for disk in disks.as_array_mut().into_iter().flatten() {
        disk["disk_base"] = disk["base"].clone();
    }
    let document = json!({
        "uuid": uuid, "state": "initial", "metadata": or("metadata", json!({})), "version": 14,
        "cpus": given("cpus"), "disk_spec": disks, "memory": given("memory"), "name": given("name"),
        "namespace": namespace, "ssh_key": given("ssh_key"), "user_data": given("user_data"),
        "video": or("video", json!({ "model": "cirrus", "memory": 16_384, "vdi": "spice" })),
        "uefi": or("uefi", false.into()), "configdrive": or("configdrive", "openstack-disk".into()),
        "nvram_template": given("nvram_template"), "secure_boot": or("secure_boot", false.into()),
        "machine_type": "pc", "side_channels": or("side_channels", json!(["sf-agent"])), "agent_state": null,
        "agent_start_time": null, "agent_system_boot_time": null, "error_message": null, "console_port": null,
        "node": "localhost", "power_state": "initial", "vdi_port": null, "vdi_tls_port": null, "disks": []
    });
    let mut instance =
        Instance { document, events: Vec::new(), console: Vec::new(), files: Tree::default(), boots: 0 };
    instance.note("audit", "create request from REST API", json!({}));
    instance.note("status", "schedule complete", json!({}));
    instance
}

/// `DELETE /instances`.
pub(super) fn delete_all(asked: &Asked<'_>) -> Answer {
    let options = options(asked.request, "InstancesEndpoint", &["confirm", "namespace"])?;
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
    // On 0.8 those that are long deleted are among them.
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

/// `DELETE /instances/{instance_ref}`: begins in the background.
pub(super) fn delete(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceEndpoint", &["namespace"])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    if all.state(&uuid) == "deleted" {
        return Err(not_found("instance"));
    }
    if text(&options, "namespace").is_some_and(|only| all.view(&uuid)["namespace"] != only) {
        return Err(failure(404, "instance not in namespace"));
    }
    all.instance(&uuid)?.audit("delete request from REST API", json!({}), &asked.id);
    let (view, status) = (all.view(&uuid), all.knobs.accepted);
    drop(all);
    life::end(asked.world, &uuid);
    Ok(Reply { status, ..data(&view) })
}

/// 406 where an instance isn't there for use.
pub(super) fn must_be_created(document: &Value) -> Result<(), Failure> {
    if document["state"] == "created" {
        return Ok(());
    }
    let (uuid, state) =
        (document["uuid"].as_str().unwrap_or_default(), document["state"].as_str().unwrap_or_default());
    Err(failure(406, format!("instance {uuid} is not ready ({state})")))
}

/// `GET …/events`: newest first.
pub(super) fn events(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceEventsEndpoint", &["event_type", "limit"])?;
    let most = options.get("limit").and_then(Value::as_u64).unwrap_or(100);
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let events = all.instance(&uuid)?.events.iter().rev();
    let fits = |event: &&Value| text(&options, "event_type").is_none_or(|kind| event["type"] == kind);
    let shown: Vec<&Value> = events.filter(fits).take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
    Ok(data(&json!(shown)))
}

/// `GET …/metadata`.
pub(super) fn metadata(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceMetadatasEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    Ok(data(&Value::Object(all.instance(&uuid)?.metadata().clone())))
}

/// `POST …/metadata`.
pub(super) fn add_metadata(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceMetadatasEndpoint", &["key", "value"])?;
    let key = text(&options, "key").ok_or_else(|| failure(400, "no key specified"))?;
    write_metadata(asked, reference, key, options.get("value"))
}

/// `PUT …/metadata/{key}`.
pub(super) fn set_metadata(asked: &Asked<'_>, reference: &str, key: &str) -> Answer {
    let options = options(asked.request, "InstanceMetadataEndpoint", &["value"])?;
    write_metadata(asked, reference, key, options.get("value"))
}

fn write_metadata(asked: &Asked<'_>, reference: &str, key: &str, value: Option<&Value>) -> Answer {
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let value = check_metadata(key, value)?;
    let instance = all.instance(&uuid)?;
    instance.note("audit", "set metadata key request from REST API", json!({ "key": key }));
    instance.metadata().insert(key.to_owned(), value);
    Ok(nothing())
}

fn check_metadata(key: &str, value: Option<&Value>) -> Result<Value, Failure> {
    let nothing = match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        Some(Value::Bool(true)) => false,
    };
    let value = value.cloned().unwrap_or_default();
    match key {
        _ if nothing => Err(failure(400, "no value specified")),
        "tags" if !value.is_array() => Err(failure(400, "value for \"tags\" key should be a JSON list")),
        "affinity" if !value.is_object() => {
            Err(failure(400, "value for \"affinity\" key should be a valid JSON dictionary"))
        }
        "affinity" if value.as_object().is_some_and(|all| !all.values().all(Value::is_i64)) => {
            Err(failure(400, "affinity dictionary values should be integers"))
        }
        _ => Ok(value),
    }
}

/// `DELETE …/metadata/{key}`: one that isn't there is no error.
pub(super) fn remove_metadata(asked: &Asked<'_>, reference: &str, key: &str) -> Answer {
    options(asked.request, "InstanceMetadataEndpoint", &["value"])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let instance = all.instance(&uuid)?;
    instance.note("audit", "delete metadata key request from REST API", json!({ "key": key }));
    instance.metadata().remove(key);
    Ok(nothing())
}

/// `GET …/consoledata`.
pub(super) fn console(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceConsoleDataEndpoint", &["length"])?;
    let length = match options.get("length") {
        None | Some(Value::Null) => 10_240,
        Some(given) => given.as_i64().ok_or_else(|| failure(400, "length is not an integer"))?,
    };
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let console = &all.instance(&uuid)?.console;
    let from = usize::try_from(length).map_or(0, |length| console.len().saturating_sub(length));
    let bytes = console.get(from..).unwrap_or_default().to_vec();
    Ok(Reply::new(200, bytes).header("Content-Type", "applicaton/octet-stream"))
}

/// `DELETE …/consoledata`.
pub(super) fn clear_console(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceConsoleDataEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    all.instance(&uuid)?.console.clear();
    Ok(nothing())
}

/// `GET …/vdiconsolehelper`.
pub(super) fn vdi_helper(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceVDIConsoleHelperEndpoint", &[])?;
    let all = asked.world.data();
    let view = all.view(&all.find(reference, &asked.namespace)?);
    let (port, tls) = (&view["vdi_port"], &view["vdi_tls_port"]);
    let text = format!(
        "[virt-viewer]\ntype=spice\nhost=localhost\nport={port}\ntls-port={tls}\ndelete-this-file=1\n"
    );
    Ok(Reply::new(200, text).header("Content-Type", "application/x-virt-viewer"))
}

/// `GET …/screenshot`: makes a blob.
pub(super) fn screenshot(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceScreenshotEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    must_be_created(&all.instance(&uuid)?.document)?;
    let blob = all.add_blob(bytes::Bytes::from_static(b"P6\n1 1\n255\n\0\0\0"));
    Ok(data(&Value::from(blob)))
}
