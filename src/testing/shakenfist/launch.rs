//! Launching an instance.

use std::sync::MutexGuard;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, options, text};
use super::asked::Asked;
use super::interfaces;
use super::networks::{Refusal, must_exist};
use super::release::Release;
use super::state::{Data, Instance, Tree, uuid};
use super::{life, metadata};
use crate::testing::server::reply::Reply;

/// The options of a launch.
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

/// `POST /instances`.
pub(super) fn create(asked: &Asked<'_>) -> Answer {
    let mut wanted = options(asked.request, "InstancesEndpoint", CREATE)?;
    let namespace = text(&wanted, "namespace").unwrap_or(&asked.namespace).to_owned();
    if namespace != asked.namespace && asked.namespace != "system" {
        return Err(failure(404, "namespace not found"));
    }
    must_exist(asked, Some(&namespace))?;
    check(&wanted)?;
    let mut all = asked.world.data();
    wanted.insert("disk".to_owned(), disks(&all, &wanted)?);
    check_template(&all, &wanted)?;
    check_video(&wanted)?;
    let doomed = all.knobs.failing.clone().or_else(|| unreachable_image(&wanted));
    let nics = interfaces::wanted(&all, wanted.remove("network"), &asked.namespace, &namespace)?;
    let uuid = uuid();
    all.instances.insert(uuid.clone(), record(asked.world.release, &uuid, &namespace, &wanted));
    asked.note(all.instance(&uuid)?, "create", json!({}));
    // From here on, a refusal leaves the record behind.
    if let Err(Refusal { message, failure }) = interfaces::plug_all(&mut all, &uuid, nics) {
        return refuse(asked, all, &uuid, &message, failure);
    }
    if let Some(why) = too_large(&wanted) {
        return refuse(asked, all, &uuid, "scheduling failed", failure(507, why));
    }
    if all.knobs.full.0 > 0 {
        all.knobs.full.0 -= 1;
        let refusal = no_room(all.knobs.full.1);
        return refuse(asked, all, &uuid, "scheduling failed", refusal);
    }
    all.instance(&uuid)?.document["node"] = "localhost".into();
    let (view, status) = (all.view(&uuid), all.knobs.accepted);
    drop(all);
    life::begin(asked.world, &uuid, doomed);
    Ok(Reply { status, ..data(&view) })
}

fn refuse(
    asked: &Asked<'_>,
    all: MutexGuard<'_, Data>,
    uuid: &str,
    message: &str,
    failure: Failure,
) -> Answer {
    drop(all);
    life::break_down(asked.world, uuid, message);
    Err(failure)
}

/// Why no node has room for it.
fn too_large(wanted: &Map<String, Value>) -> Option<&'static str> {
    let more =
        |key: &str, most: i64| wanted.get(key).and_then(Value::as_i64).is_some_and(|asked| asked > most);
    match (more("cpus", 64), more("memory", 262_144)) {
        (true, _) => Some("Requested vCPUs exceeds vCPU limit"),
        (_, true) => Some("No nodes with enough idle RAM"),
        _ => None,
    }
}

/// The answer of the newest servers.
fn no_room(transient: bool) -> Failure {
    let failure = failure(507, "insufficient resources").with("stage", "cpu").with("transient", transient);
    if transient { failure.header("Retry-After", 1) } else { failure }
}

fn check(wanted: &Map<String, Value>) -> Result<(), Failure> {
    let Some(name) = text(wanted, "name") else {
        return Err(failure(400, "expected string or bytes-like object, got 'NoneType'"));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.len() > 63 || !name.chars().all(fits) {
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
    if let Some(odd) =
        text(wanted, "configdrive").filter(|kind| !["", "openstack-disk", "none"].contains(kind))
    {
        return Err(failure(400, format!("invalid config drive type: \"{odd}\"")));
    }
    match wanted.get("metadata") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(metadata)) => {
            metadata.iter().try_for_each(|(key, value)| metadata::check(key, Some(value)).map(drop))
        }
        Some(_) => Err(failure(400, "metadata must be a dictionary")),
    }
}

fn check_video(wanted: &Map<String, Value>) -> Result<(), Failure> {
    let video = wanted.get("video").and_then(Value::as_object);
    let missing =
        ["model", "memory"].into_iter().find(|key| video.is_some_and(|video| !video.contains_key(*key)));
    match missing {
        Some(key) => Err(failure(400, format!("video specification requires \"{key}\""))),
        None => Ok(()),
    }
}

/// A template for the NVRAM is a label, or a blob.
fn check_template(all: &Data, wanted: &Map<String, Value>) -> Result<(), Failure> {
    let label = text(wanted, "nvram_template").filter(|template| template.starts_with("label:"));
    match label.is_none_or(|label| all.artifacts.values().any(|artifact| artifact["source_url"] == label)) {
        true => Ok(()),
        false => Err(not_found("artifact")),
    }
}

/// The disks, with what the server says of their content.
fn disks(all: &Data, wanted: &Map<String, Value>) -> Result<Value, Failure> {
    let disks = wanted.get("disk").and_then(Value::as_array).filter(|disks| !disks.is_empty());
    let disks = disks.ok_or_else(|| failure(400, "instance must specify at least one disk"))?;
    disks.iter().map(|disk| checked(all, disk)).collect()
}

fn checked(all: &Data, disk: &Value) -> Result<Value, Failure> {
    let mut disk = disk
        .as_object()
        .cloned()
        .ok_or_else(|| failure(400, "disk specification should contain JSON objects"))?;
    let bus = text(&disk, "bus").filter(|bus| !bus.is_empty()).unwrap_or("virtio");
    if life::device(bus, 0).is_none() {
        return Err(failure(400, format!("invalid disk bus {bus}")));
    }
    let base = text(&disk, "base").unwrap_or_default().to_owned();
    let artifact = |key: &str, value: &str| {
        let found = all.artifacts.values().find(|artifact| artifact[key] == value);
        found.map(|artifact| artifact["blob_uuid"].clone()).ok_or_else(|| not_found("artifact"))
    };
    let blob = match base.split_once("//").map(|(_, path)| path.split_once('/')) {
        _ if ["", "none", "None"].contains(&base.as_str()) => {
            disk.insert("disk_base".to_owned(), Value::Null);
            return Ok(disk.into());
        }
        _ if base.starts_with("label:") => artifact("source_url", &base)?,
        Some(Some(("blob", uuid))) if base.starts_with("sf:") => uuid.into(),
        Some(Some(("snapshot", uuid))) if base.starts_with("sf:") => artifact("uuid", uuid)?,
        _ if base.starts_with("sf://") => artifact("source_url", &base)?,
        _ => return Ok(disk.into()),
    };
    disk.insert("blob_uuid".to_owned(), blob);
    Ok(disk.into())
}

/// An image on the Internet, which the fake doesn't reach.
fn unreachable_image(wanted: &Map<String, Value>) -> Option<(String, String)> {
    let disks = wanted.get("disk").and_then(Value::as_array)?;
    let url = disks.iter().filter_map(|disk| disk["base"].as_str()).find(|base| base.starts_with("http"))?;
    let message = format!("Image fetch failed: Failed to fetch image: {url} Exception: Connection refused");
    Some(("preflight".to_owned(), message))
}

/// How it is shown to the outside.
fn video(wanted: Option<&Value>) -> Value {
    match wanted {
        Some(Value::Object(given)) if !given.is_empty() => {
            let mut video = given.clone();
            video.entry("vdi").or_insert_with(|| "spice".into());
            video.into()
        }
        _ => json!({ "model": "cirrus", "memory": 16_384, "vdi": "spice" }),
    }
}

fn record(release: Release, uuid: &str, namespace: &str, wanted: &Map<String, Value>) -> Instance {
    let version = if release >= Release::Develop { 14 } else { 13 };
    let configdrive = text(wanted, "configdrive").filter(|kind| !kind.is_empty()).unwrap_or("openstack-disk");
    let given = |key: &str| wanted.get(key).cloned().unwrap_or_default();
    let or =
        |key: &str, other: Value| wanted.get(key).filter(|value| !value.is_null()).cloned().unwrap_or(other);
    let mut document = json!({
        "uuid": uuid, "state": "initial", "metadata": or("metadata", json!({})), "version": version,
        "cpus": given("cpus"), "disk_spec": given("disk"), "memory": given("memory"), "name": given("name"),
        "namespace": namespace, "ssh_key": given("ssh_key"), "user_data": given("user_data"),
        "video": video(wanted.get("video")),
        "uefi": or("uefi", false.into()), "configdrive": configdrive,
        "nvram_template": given("nvram_template"), "secure_boot": or("secure_boot", false.into()),
        "machine_type": if given("secure_boot") == true { "q35" } else { "pc" }, "side_channels": or("side_channels", json!(["sf-agent"])), "agent_state": null,
        "agent_start_time": null, "agent_system_boot_time": null, "error_message": null, "console_port": null,
        "node": null, "power_state": "initial", "vdi_port": null, "vdi_tls_port": null, "disks": []
    });
    if let Some(node) = text(wanted, "placed_on") {
        document["requested_placement"] = node.into();
    }
    let mut instance =
        Instance { document, events: Vec::new(), console: Vec::new(), files: Tree::default(), boots: 0 };
    instance.note("audit", "db record created", json!({}));
    instance.note("status", "schedule complete", json!({}));
    instance
}
