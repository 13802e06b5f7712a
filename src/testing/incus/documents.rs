//! The documents that describe an instance, in the shape of the real server's.

use serde_json::{Map, Value, json};

use super::Generation;
use super::events::now;
use super::state::Instance;
use crate::testing::server::tasks::lock;

const IDMAP: &str = r#"[{"Isuid":true,"Isgid":false,"Hostid":1000000,"Nsid":0,"Maprange":1000000000},{"Isuid":false,"Isgid":true,"Hostid":1000000,"Nsid":0,"Maprange":1000000000}]"#;

/// A new instance, stopped. `asked` is the body of the request, `image` the image's document, if there is one.
pub(super) fn instance(name: &str, project: &str, asked: &Value, image: Option<&Value>) -> Value {
    let or = |key: &str, default: Value| match &asked[key] {
        Value::Null => default,
        given => given.clone(),
    };
    let kind = asked["type"].as_str().filter(|kind| !kind.is_empty());
    let mut document = json!({
        "name": name, "project": project, "location": "none", "architecture": "x86_64",
        "type": kind.unwrap_or("container"), "status": "Stopped", "status_code": 102,
        "config": config(asked, image), "devices": or("devices", json!({})),
        "profiles": or("profiles", json!(["default"])), "ephemeral": or("ephemeral", false.into()),
        "description": or("description", "".into()), "stateful": false,
        "created_at": now(), "last_used_at": "1970-01-01T00:00:00Z",
    });
    expand(&mut document);
    document
}

fn config(asked: &Value, image: Option<&Value>) -> Map<String, Value> {
    let mut config = Map::new();
    if let Some(image) = image {
        let properties = image["properties"].as_object().into_iter().flatten();
        config.extend(properties.map(|(key, value)| (format!("image.{key}"), value.clone())));
        config.insert("volatile.base_image".into(), image["fingerprint"].clone());
    }
    let uuid = super::uuid();
    let volatile = [
        ("volatile.apply_template", "create".to_owned()),
        ("volatile.cloud-init.instance-id", super::uuid()),
        ("volatile.idmap.base", "0".to_owned()),
        ("volatile.idmap.next", IDMAP.to_owned()),
        ("volatile.last_state.idmap", "[]".to_owned()),
        ("volatile.uuid", uuid.clone()),
        ("volatile.uuid.generation", uuid),
    ];
    config.extend(volatile.map(|(key, value)| (key.to_owned(), value.into())));
    config.extend(asked["config"].as_object().cloned().unwrap_or_default());
    config
}

/// What the profiles add: here, the root disk of `default`.
pub(super) fn expand(document: &mut Value) {
    let mut devices = Map::new();
    let has_default = document["profiles"].as_array().is_some_and(|p| p.contains(&"default".into()));
    if has_default {
        devices.insert("root".into(), json!({"path": "/", "pool": "default", "type": "disk"}));
    }
    devices.extend(document["devices"].as_object().cloned().unwrap_or_default());
    document["expanded_devices"] = devices.into();
    document["expanded_config"] = document["config"].clone();
}

pub(super) fn booted(document: &mut Value) {
    if let Some(config) = document["config"].as_object_mut() {
        config.remove("volatile.apply_template");
        config.insert("volatile.idmap.current".into(), IDMAP.into());
        config.insert("volatile.last_state.power".into(), "RUNNING".into());
    }
    expand(document);
}

pub(super) fn halted(document: &mut Value) {
    if let Some(config) = document["config"].as_object_mut() {
        config.insert("volatile.last_state.power".into(), "STOPPED".into());
        config.insert("volatile.last_state.ready".into(), "false".into());
    }
    expand(document);
}

/// `GET …/state`.
pub(super) fn state(instance: &Instance, generation: Generation) -> Value {
    let up = instance.is_up();
    let number = |value: u64| if up { value } else { 0 };
    let disk = match generation {
        Generation::V6_0 => json!({}),
        Generation::V7_0 => json!({"root": {"usage": -1, "total": 0}}),
    };
    json!({
        "status": instance.document["status"], "status_code": instance.document["status_code"],
        "disk": disk, "network": up.then(|| network(instance)), "os_info": null,
        "memory": {"usage": number(438_272), "usage_peak": number(1_122_304), "total": number(24_684_084_000),
            "swap_usage": 0, "swap_usage_peak": 0},
        "pid": number(28217), "processes": number(2),
        "cpu": {"usage": number(7_045_434), "allocated_time": number(2_000_000_000)},
        "started_at": if up { instance.started_at.as_str() } else { "0001-01-01T00:00:00Z" },
    })
}

fn network(instance: &Instance) -> Value {
    let counters = json!({"bytes_received": 0, "bytes_sent": 0, "packets_received": 0, "packets_sent": 0,
        "errors_received": 0, "errors_sent": 0, "packets_dropped_outbound": 0, "packets_dropped_inbound": 0});
    let loopback = json!({"addresses": [], "hwaddr": "", "host_name": "", "mtu": 65536, "state": "down",
        "type": "loopback", "counters": counters});
    let mut network = Map::from_iter([("lo".to_owned(), loopback)]);
    for (name, addresses) in lock(&instance.addresses).iter() {
        let interface = json!({"addresses": addresses.iter().map(|given| address(given)).collect::<Vec<_>>(),
            "hwaddr": "10:66:6a:fd:7d:e6", "host_name": "veth0a1b2c3d", "mtu": 1500, "state": "up",
            "type": "broadcast", "counters": counters});
        network.insert(name.clone(), interface);
    }
    network.into()
}

/// From `192.0.2.7/24`.
fn address(given: &str) -> Value {
    let (address, length) = given.split_once('/').unwrap_or((given, "32"));
    let family = if address.contains(':') { "inet6" } else { "inet" };
    let scope = if address.starts_with("fe80:") { "link" } else { "global" };
    json!({"family": family, "address": address, "netmask": length, "scope": scope})
}

/// Recursion 2: with its state and what belongs to it.
pub(super) fn full(instance: &Instance, generation: Generation) -> Value {
    let mut document = instance.document.clone();
    document["state"] = state(instance, generation);
    document["backups"] = list_or_null(instance.backups.values().map(|backup| &backup.document));
    document["snapshots"] = list_or_null(instance.snapshots.iter().map(|snapshot| &snapshot.document));
    document
}

/// Go's way with an empty list.
fn list_or_null<'a>(documents: impl Iterator<Item = &'a Value>) -> Value {
    match documents.cloned().collect::<Vec<_>>() {
        none if none.is_empty() => Value::Null,
        some => some.into(),
    }
}

/// Changes whenever something changes that a client could have written.
pub(super) fn etag(document: &Value) -> String {
    // Not the description: nor does the real one.
    let keys = ["architecture", "config", "devices", "ephemeral", "profiles"];
    let parts: Vec<String> = keys.iter().map(|key| document[key].to_string()).collect();
    super::digest(parts.join("\n").as_bytes())
}
