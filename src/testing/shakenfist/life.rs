//! The life of an instance: what happens to it in the background, and its power.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{Answer, failure, nothing, options};
use super::api::Asked;
use super::state::{World, now};

pub(super) const VERBS: [&str; 6] = ["rebootsoft", "reboothard", "poweron", "poweroff", "pause", "unpause"];

/// From `initial` to `created`, or to wherever it fails or is held.
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
        let asked = instance.document["disk_spec"].as_array().cloned().unwrap_or_default();
        let disks = asked.iter().zip('a'..).map(|(disk, letter)| {
            json!({ "device": format!("vd{letter}"), "bus": "virtio", "size": disk["size"], "blob_uuid": null,
                    "snapshot_ignores": false })
        });
        instance.document["disks"] = disks.collect();
        instance.document["console_port"] = 47_400.into();
        instance.document["vdi_port"] = 35_765.into();
        instance.document["vdi_tls_port"] = 41_652.into();
        instance.boot();
    }
}

/// As the server does it: first the state, then the reason, and at last `error`.
async fn fail(world: &Arc<World>, uuid: &str, state: &str, message: &str) {
    world.data().enter(uuid, &format!("{state}-error"));
    world.step().await;
    break_down(world, uuid, message);
}

/// Into `error`, and torn down.
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
    });
}

/// The agent in a guest that is on makes itself heard of, a little later.
fn report_soon(world: &Arc<World>, uuid: &str) {
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
    // Boots are minutes apart here, so that each has a time of its own.
    document["agent_system_boot_time"] = (1_795_000_000.0 + 60.0 * f64::from(boots)).into();
}

/// `POST /instances/{instance_ref}/poweron` and its like: done when answered.
pub(super) fn power(asked: &Asked<'_>, reference: &str, verb: &str) -> Answer {
    options(asked.request, "InstancePowerEndpoint", &[])?;
    let world = asked.world;
    let mut all = world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let deaf = all.knobs.deaf;
    let instance = all.instance(&uuid)?;
    super::instances::must_be_created(&instance.document)?;
    instance.audit(&format!("{verb} request from REST API"), json!({}), &asked.id);
    let state = instance.document["power_state"].as_str().unwrap_or_default().to_owned();
    let invalid = |why: &str| Err(failure(409, format!("Invalid lifecycle state: {why}")));
    match (verb, state.as_str()) {
        ("poweron", "on") | ("poweroff", "off") => return Ok(nothing()),
        ("rebootsoft", "on") if deaf => return Ok(nothing()),
        ("poweron", _) | ("rebootsoft" | "reboothard", "on") => instance.boot(),
        ("poweroff", _) => set(instance, "off", "instance powered off"),
        ("pause", "on") => set(instance, "paused", "instance paused"),
        ("unpause", "paused") => set(instance, "on", "no contact"),
        ("pause", "paused") => return invalid("pause failed after 3 attempts"),
        _ => return invalid("domain is not running"),
    }
    drop(all);
    report_soon(world, &uuid);
    Ok(nothing())
}

fn set(instance: &mut super::state::Instance, power: &str, why: &str) {
    instance.document["power_state"] = Value::from(power);
    instance.silence(why);
}
