//! Power of instances, and reboots.

use serde_json::{Value, json};

use super::answer::{Answer, Failure, failure, nothing, options};
use super::asked::Asked;
use super::life::report_soon;
use super::release::Release;
use super::state::{Instance, must_be_created};

/// The last segments of the paths.
pub(super) const VERBS: [&str; 6] = ["rebootsoft", "reboothard", "poweron", "poweroff", "pause", "unpause"];

/// `POST /instances/{instance_ref}/poweron` and the like: done when it answers.
pub(super) fn change(asked: &Asked<'_>, reference: &str, verb: &str) -> Answer {
    options(asked.request, handler(verb), &[])?;
    let world = asked.world;
    let mut all = world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let deaf = all.knobs.deaf;
    let instance = all.instance(&uuid)?;
    must_be_created(&instance.document)?;
    let (request, done) = words(verb);
    asked.note(instance, request, json!({}));
    let state = instance.document["power_state"].as_str().unwrap_or_default().to_owned();
    let changes = match (verb, state.as_str()) {
        ("poweron", "on" | "paused") | ("poweroff", "off") => false,
        ("rebootsoft", "on" | "paused") if deaf => false,
        ("pause", "paused") if world.release == Release::V0_7 => false,
        ("pause", "paused") => return Err(still_paused(world.release)),
        ("unpause", "on") => return Err(invalid(world.release, "domain is already running")),
        ("rebootsoft" | "reboothard" | "pause" | "unpause", "off") => {
            return Err(invalid(world.release, "domain is not running"));
        }
        _ => true,
    };
    if changes {
        apply(instance, verb);
    }
    instance.audit(done, json!({}), &asked.id);
    drop(all);
    if changes {
        report_soon(world, &uuid);
    }
    Ok(nothing())
}

fn apply(instance: &mut Instance, verb: &str) {
    match verb {
        "poweroff" => set(instance, "off", "instance powered off"),
        "pause" => set(instance, "paused", "instance paused"),
        "unpause" => set(instance, "on", "no contact"),
        _ => instance.boot(),
    }
}

/// The name of the server's class for it.
fn handler(verb: &str) -> &'static str {
    match verb {
        "rebootsoft" => "InstanceRebootSoftEndpoint",
        "reboothard" => "InstanceRebootHardEndpoint",
        "poweron" => "InstancePowerOnEndpoint",
        "poweroff" => "InstancePowerOffEndpoint",
        "pause" => "InstancePauseEndpoint",
        _ => "InstanceUnpauseEndpoint",
    }
}

/// How events name the request, and the change.
fn words(verb: &str) -> (&'static str, &'static str) {
    match verb {
        "rebootsoft" => ("soft reboot", "soft reboot"),
        "reboothard" => ("hard reboot", "hard reboot"),
        "poweron" => ("power on", "poweron"),
        "poweroff" => ("power off", "poweroff"),
        "pause" => ("pause", "pause"),
        _ => ("unpause", "unpause"),
    }
}

/// What libvirt refuses. The older releases don't expect that.
fn invalid(release: Release, why: &str) -> Failure {
    match release {
        Release::Develop => failure(409, format!("Invalid lifecycle state: {why}")),
        _ => failure(500, format!("server error: libvirtError('Requested operation is not valid: {why}')")),
    }
}

/// 0.8 fails over its own error.
fn still_paused(release: Release) -> Failure {
    match release {
        Release::Develop => failure(409, "Invalid lifecycle state: pause failed after 3 attempts"),
        _ => failure(400, "Object of type InvalidLifecycleState is not JSON serializable"),
    }
}

fn set(instance: &mut Instance, power: &str, why: &str) {
    instance.document["power_state"] = Value::from(power);
    instance.silence(why);
}
