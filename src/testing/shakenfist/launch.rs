//! Launching an instance.

use std::sync::MutexGuard;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, options, text};
use super::asked::Asked;
use super::interfaces;
use super::networks::{Refusal, must_exist};
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
    must_exist(asked, &namespace)?;
    check(&wanted)?;
    let mut all = asked.world.data();
    check_disks(&all, &wanted)?;
    check_video(&wanted)?;
    let doomed = all.knobs.failing.clone().or_else(|| unreachable_image(&wanted));
    let nics = interfaces::wanted(&all, wanted.remove("network"), &namespace)?;
    let uuid = uuid();
    all.instances.insert(uuid.clone(), record(&uuid, &namespace, &wanted));
    // From here on, a refusal leaves the record behind.
    if let Err(Refusal { message, failure }) = interfaces::plug_all(&mut all, &uuid, nics) {
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
    all: MutexGuard<'_, Data>,
    uuid: &str,
    message: &str,
    failure: Failure,
) -> Answer {
    drop(all);
    life::break_down(asked.world, uuid, message);
    Err(failure)
}

/// The answer of the newest servers.
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

/// An image on the Internet, which the fake doesn't reach.
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
