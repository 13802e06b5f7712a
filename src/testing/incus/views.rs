//! Documents that show the state of an instance.

use serde_json::{Map, Value, json};

use super::generation::Generation;
use super::world::Instance;
use crate::testing::server::tasks::lock;

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

/// Recursion 2: with state, backups and snapshots.
pub(super) fn full(instance: &Instance, generation: Generation) -> Value {
    let mut document = instance.document.clone();
    document["state"] = state(instance, generation);
    document["backups"] = list_or_null(instance.backups.values().map(|backup| &backup.document));
    document["snapshots"] = list_or_null(instance.snapshots.iter().map(|snapshot| &snapshot.document));
    document
}

/// Go encodes an empty list as `null`.
fn list_or_null<'a>(documents: impl Iterator<Item = &'a Value>) -> Value {
    match documents.cloned().collect::<Vec<_>>() {
        none if none.is_empty() => Value::Null,
        some => some.into(),
    }
}
