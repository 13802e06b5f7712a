//! Power of instances, and reboots.

use serde_json::{Value, json};

use super::answer::{Answer, failure, nothing, options};
use super::asked::Asked;
use super::life::report_soon;
use super::state::{Instance, must_be_created};

/// The last segments of the paths.
pub(super) const VERBS: [&str; 6] = ["rebootsoft", "reboothard", "poweron", "poweroff", "pause", "unpause"];

/// `POST /instances/{instance_ref}/poweron` and the like: done when it answers.
pub(super) fn change(asked: &Asked<'_>, reference: &str, verb: &str) -> Answer {
    options(asked.request, "InstancePowerEndpoint", &[])?;
    let world = asked.world;
    let mut all = world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let deaf = all.knobs.deaf;
    let instance = all.instance(&uuid)?;
    must_be_created(&instance.document)?;
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

fn set(instance: &mut Instance, power: &str, why: &str) {
    instance.document["power_state"] = Value::from(power);
    instance.silence(why);
}
