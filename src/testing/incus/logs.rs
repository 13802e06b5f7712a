//! `/1.0/instances/{name}/logs`, and the recorded output of `exec` beside them.

use chrono::Utc;
use serde_json::Value;

use super::common::not_implemented;
use super::envelope::{self, Answer, failure};
use super::files::raw;
use super::generation::Generation;
use super::world::{Key, World, path};
use crate::testing::server::request::Request;

const LOG: &str = "lxc.log";

pub(super) fn list(world: &World, request: &Request, key: &Key) -> Answer {
    if request.method != "GET" {
        return not_implemented();
    }
    world.document(key)?;
    Ok(envelope::sync(&Value::from(vec![format!("{}/logs/{LOG}", path(key))])))
}

pub(super) fn one(world: &World, request: &Request, key: &Key, name: &str) -> Answer {
    world.document(key)?;
    if name != LOG {
        return Err(failure(400, format!("Log file name \"{name}\" not valid")));
    }
    match request.method.as_str() {
        "GET" => {
            let text =
                format!("lxc {} 20261120231206.251 WARN     attach - No security context received\n", key.1);
            Ok(raw(request, name, text.into(), Utc::now()))
        }
        "DELETE" => {
            let text = "Only log files excluding qemu.log and lxc.log may be deleted";
            Err(failure(400, text))
        }
        _ => not_implemented(),
    }
}

pub(super) fn outputs(world: &World, request: &Request, key: &Key) -> Answer {
    if request.method != "GET" {
        return not_implemented();
    }
    let base = path(key);
    let names = world.with(key, |instance| {
        let names = instance.outputs.keys();
        names.map(|name| format!("{base}/logs/exec-output/{name}")).collect::<Vec<_>>()
    })?;
    Ok(envelope::sync(&Value::from(names)))
}

pub(super) fn output(world: &World, request: &Request, key: &Key, name: &str) -> Answer {
    let found = world.with(key, |instance| instance.outputs.get(name).cloned())?;
    let known = name.starts_with("exec_") && (name.ends_with(".stdout") || name.ends_with(".stderr"));
    if !known {
        return Err(failure(400, format!("Exec record-output file name \"{name}\" not valid")));
    }
    let data = found.ok_or_else(|| failure(404, absent(world.generation, name)))?;
    match request.method.as_str() {
        "GET" => Ok(raw(request, name, data, Utc::now())),
        "DELETE" => {
            world.with(key, |instance| instance.outputs.remove(name))?;
            Ok(envelope::done())
        }
        _ => not_implemented(),
    }
}

fn absent(generation: Generation, name: &str) -> String {
    match generation {
        Generation::V6_0 => format!("open exec-output/{name}: no such file or directory"),
        Generation::V7_0 => format!("Exec record-output file \"{name}\" not found"),
    }
}
