//! The life of an instance: what happens to it in the background.

use std::sync::Arc;

use serde_json::{Value, json};

use super::state::{World, now};

/// From `initial` to `created`, or until it fails or is held.
pub(super) fn begin(world: &Arc<World>, uuid: &str, doomed: Option<(String, String)>) {
    let (own, uuid) = (world.clone(), uuid.to_owned());
    world.work.spawn(async move {
        for state in ["preflight", "creating"] {
            own.step().await;
            own.while_held().await;
            if !is_alive(&own, &uuid) {
                return;
            }
            own.data().enter(&uuid, state);
            if let Some((fails_in, message)) = &doomed
                && fails_in == state
            {
                own.step().await;
                return fail(&own, &uuid, state, message).await;
            }
        }
        own.step().await;
        own.while_held().await;
        if is_alive(&own, &uuid) {
            finish(&own, &uuid);
            own.while_agents_held().await;
            report_soon(&own, &uuid);
        }
    });
}

fn is_alive(world: &World, uuid: &str) -> bool {
    matches!(world.data().state(uuid).as_str(), "initial" | "preflight" | "creating")
}

fn finish(world: &World, uuid: &str) {
    let mut all = world.data();
    all.enter(uuid, "created");
    for interface in all.interfaces.values_mut().filter(|interface| interface["instance_uuid"] == uuid) {
        interface["state"] = "created".into();
    }
    if let Some(instance) = all.instances.get_mut(uuid) {
        instance.document["disks"] = disks(&instance.document);
        instance.document["console_port"] = 47_400.into();
        instance.document["vdi_port"] = 35_765.into();
        if instance.document["video"]["vdi"].as_str().is_some_and(|vdi| vdi.starts_with("spice")) {
            instance.document["vdi_tls_port"] = 41_652.into();
        }
        instance.boot();
    }
}

/// The disks of a new instance. The config drive comes second, on the bus of the first.
fn disks(document: &Value) -> Value {
    let mut asked = document["disk_spec"].as_array().cloned().unwrap_or_default();
    if document["configdrive"] == "openstack-disk" && !asked.is_empty() {
        asked.insert(1, json!({ "bus": asked[0]["bus"], "config drive": true }));
    }
    let disks = asked.iter().enumerate().map(|(number, disk)| {
        let bus = disk["bus"].as_str().filter(|bus| !bus.is_empty()).unwrap_or("virtio");
        json!({ "device": device(bus, number), "bus": bus, "size": disk["size"], "blob_uuid": disk["blob_uuid"],
                "snapshot_ignores": disk["config drive"] == true })
    });
    disks.collect()
}

/// The name of a disk. `None` if there is no such bus.
pub(super) fn device(bus: &str, number: usize) -> Option<String> {
    let letter = char::from(b'a' + u8::try_from(number).ok()?);
    match bus {
        "virtio" => Some(format!("vd{letter}")),
        "sata" | "scsi" | "usb" => Some(format!("sd{letter}")),
        "nvme" => Some(format!("nvme{number}")),
        _ => None,
    }
}

/// As on the real server: first the state, then the reason, and finally `error`.
async fn fail(world: &Arc<World>, uuid: &str, state: &str, message: &str) {
    let failing = format!("{state}-error");
    // It may be on its way to deletion by now, and then it doesn't fail any more.
    if !is_alive(world, uuid) {
        return;
    }
    world.data().enter(uuid, &failing);
    world.step().await;
    if world.data().state(uuid) == failing {
        break_down(world, uuid, message);
    }
}

/// Into `error`, and tears it down.
pub(super) fn break_down(world: &World, uuid: &str, message: &str) {
    let mut all = world.data();
    if let Ok(instance) = all.instance(uuid) {
        instance.document["error_message"] = message.into();
        if instance.document["power_state"] == "on" {
            instance.document["power_state"] = "off".into();
            instance.silence("instance powered off");
        }
    }
    all.enter(uuid, "error");
    all.release(uuid);
}

/// Through `delete-wait` to `deleted`.
pub(super) fn end(world: &Arc<World>, uuid: &str) {
    let (own, uuid) = (world.clone(), uuid.to_owned());
    world.work.spawn(async move {
        own.step().await;
        {
            let mut all = own.data();
            all.enter(&uuid, "delete-wait");
            if let Ok(instance) = all.instance(&uuid) {
                instance.document["power_state"] = "off".into();
                instance.silence("instance powered off");
            }
        }
        own.step().await;
        own.while_held().await;
        let mut all = own.data();
        all.enter(&uuid, "deleted");
        all.release(&uuid);
        if let Ok(instance) = all.instance(&uuid) {
            for port in ["console_port", "vdi_port", "vdi_tls_port"] {
                instance.document[port] = Value::Null;
            }
        }
    });
}

/// The agent in a running guest reports, a little later.
pub(super) fn report_soon(world: &Arc<World>, uuid: &str) {
    let (own, uuid) = (world.clone(), uuid.to_owned());
    world.work.spawn(async move {
        own.step().await;
        own.while_agents_held().await;
        report(&own, &uuid);
    });
}

fn report(world: &World, uuid: &str) {
    let mut all = world.data();
    let word = all.knobs.agent_ready.clone();
    let Ok(instance) = all.instance(uuid) else { return };
    let boots = instance.boots;
    let document = &mut instance.document;
    let has_channel =
        document["side_channels"].as_array().is_some_and(|all| all.iter().any(|it| it == "sf-agent"));
    if !has_channel || document["power_state"] != "on" || document["state"] != "created" {
        return;
    }
    document["agent_state"] = word.into();
    document["agent_start_time"] = now().into();
    // Boots are a minute apart here, so that each has a different time.
    document["agent_system_boot_time"] = (1_795_000_000.0 + 60.0 * f64::from(boots)).into();
}
