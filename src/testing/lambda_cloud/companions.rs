//! SSH keys, file systems, images and regions.

use serde_json::{Value, json};

use super::catalog;
use super::envelope::{Answer, body, failure, invalid, missing, not_allowed, nowhere};
use super::state::State;
use crate::testing::server::request::Request;

/// When everything here was made.
pub(super) const CREATED: &str = "2026-08-15T10:00:00+00:00";

pub(super) fn route(state: &mut State, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", ["ssh-keys"]) => Ok(state.ssh_keys.values().cloned().collect()),
        ("POST", ["ssh-keys"]) => add_ssh_key(state, &body(request)?),
        ("DELETE", ["ssh-keys", id]) => match state.ssh_keys.remove(*id) {
            Some(_) => Ok(json!({})),
            None => Err(failure(404, "global/not-found", "The specified SSH key was not found.")),
        },
        ("GET", ["file-systems"]) => Ok(state.file_systems.keys().map(|id| shown(state, id)).collect()),
        ("POST", ["filesystems"]) => add_file_system(state, &body(request)?),
        ("DELETE", ["filesystems", id]) => remove_file_system(state, id),
        ("GET", ["images"]) => Ok(catalog::region_names().map(image).collect()),
        ("GET", ["regions"]) => Ok(catalog::region_names().map(catalog::region).collect()),
        (_, [_]) => not_allowed(),
        _ => nowhere(),
    }
}

fn add_ssh_key(state: &mut State, asked: &Value) -> Answer {
    let name = asked["name"].as_str().filter(|name| matches!(name.len(), 1..=64));
    let name = name.ok_or_else(|| invalid("name is required."))?;
    if state.ssh_keys.values().any(|known| known["name"] == name) {
        return Err(invalid("There is a key of that name."));
    }
    match asked["public_key"].as_str() {
        Some(public) if public.starts_with("ssh-") => Ok(state.add_ssh_key(name, public, None)),
        Some(_) => Err(invalid("public_key isn't one.")),
        None => {
            let pair = ("ssh-rsa AAAAB3NzaGenerated", "-----BEGIN RSA PRIVATE KEY-----\nfake\n");
            Ok(state.add_ssh_key(name, pair.0, Some(pair.1)))
        }
    }
}

fn is_mounted(state: &State, id: &str, name: &str) -> bool {
    let machines = state.machines.values().filter(|machine| machine.is_billed());
    machines.map(|machine| &machine.document).any(|document| {
        let all = |key: &str| document[key].as_array().cloned().unwrap_or_default();
        all("file_system_names").iter().any(|used| used == name)
            || all("file_system_mounts").iter().any(|mount| mount["file_system_id"] == id)
    })
}

fn shown(state: &State, id: &str) -> Value {
    let mut document = state.file_systems.get(id).cloned().unwrap_or_default();
    let name = document["name"].as_str().unwrap_or_default().to_owned();
    document["is_in_use"] = is_mounted(state, id, &name).into();
    document
}

fn add_file_system(state: &mut State, asked: &Value) -> Answer {
    let text = |key: &str| asked[key].as_str().filter(|text| !text.is_empty());
    let (Some(name), Some(region)) = (text("name"), text("region")) else {
        return Err(invalid("name and region are required."));
    };
    if state.file_systems.values().any(|known| known["name"] == name) {
        return Err(failure(400, "global/duplicate", "There is a filesystem of that name."));
    }
    let id = catalog::id();
    let document = json!({
        "id": id, "name": name, "mount_point": format!("/lambda/nfs/{name}"), "created": CREATED,
        "created_by": {"id": catalog::id(), "email": "somebody@example.com", "status": "active"},
        "is_in_use": false, "region": catalog::region(region), "bytes_used": 0,
    });
    state.file_systems.insert(id, document.clone());
    Ok(document)
}

fn remove_file_system(state: &mut State, id: &str) -> Answer {
    let known = state.file_systems.get(id).ok_or_else(|| missing("filesystem"))?;
    if is_mounted(state, id, known["name"].as_str().unwrap_or_default()) {
        return Err(failure(400, "filesystems/filesystem-in-use", "The filesystem is in use."));
    }
    state.file_systems.remove(id);
    Ok(json!({"deleted_ids": [id]}))
}

/// Whether there is an image with that id, or of that family, in the region.
pub(super) fn has_image(asked: &Value, region: &str) -> bool {
    let image = image(region);
    ["id", "family"].into_iter().all(|key| asked[key].is_null() || asked[key] == image[key])
}

fn image(region: &str) -> Value {
    json!({
        "id": format!("image-{region}"), "name": "Lambda Stack 24.04", "family": "lambda-stack-24-04",
        "version": "24.4.1", "description": "Ubuntu 24.04 with drivers and frameworks",
        "architecture": "x86_64", "region": catalog::region(region),
        "created_time": CREATED, "updated_time": CREATED,
    })
}
