//! The documents of instances, as the server writes them.

use serde_json::{Map, Value, json};

use super::events::now;
use crate::testing::incus::common::{digest, uuid};

const IDMAP: &str = r#"[{"Isuid":true,"Isgid":false,"Hostid":1000000,"Nsid":0,"Maprange":1000000000},{"Isuid":false,"Isgid":true,"Hostid":1000000,"Nsid":0,"Maprange":1000000000}]"#;

/// A new instance, stopped. `asked` is the body of the request, `image` the image's document, if there is one.
pub(crate) fn instance(name: &str, project: &str, asked: &Value, image: Option<&Value>) -> Value {
    let or = |key: &str, default: Value| match &asked[key] {
        Value::Null => default,
        given => given.clone(),
    };
    let kind = asked["type"].as_str().filter(|kind| !kind.is_empty());
    json!({
        "name": name, "project": project, "location": "none", "architecture": "x86_64",
        "type": kind.unwrap_or("container"), "status": "Stopped", "status_code": 102,
        "config": config(asked, image), "devices": or("devices", json!({})),
        "profiles": or("profiles", json!(["default"])), "ephemeral": or("ephemeral", false.into()),
        "description": or("description", "".into()), "stateful": false,
        "created_at": now(), "last_used_at": "1970-01-01T00:00:00Z", "expanded_config": {}, "expanded_devices": {},
    })
}

fn config(asked: &Value, image: Option<&Value>) -> Map<String, Value> {
    let mut config = Map::new();
    if let Some(image) = image {
        let properties = image["properties"].as_object().into_iter().flatten();
        let properties = properties.filter(|(_, value)| **value != "");
        config.extend(properties.map(|(key, value)| (format!("image.{key}"), value.clone())));
        config.insert("volatile.base_image".into(), image["fingerprint"].clone());
    }
    let own = uuid();
    let volatile = [
        ("volatile.apply_template", "create".to_owned()),
        ("volatile.cloud-init.instance-id", uuid()),
        ("volatile.idmap.base", "0".to_owned()),
        ("volatile.idmap.next", IDMAP.to_owned()),
        ("volatile.last_state.idmap", "[]".to_owned()),
        ("volatile.uuid", own.clone()),
        ("volatile.uuid.generation", own),
    ];
    config.extend(volatile.map(|(key, value)| (key.to_owned(), value.into())));
    config.extend(asked["config"].as_object().cloned().unwrap_or_default());
    config
}

/// Adds what the profiles say: the later ones win, and the instance's own over all.
pub(crate) fn expand(document: &mut Value, profiles: &[Value]) {
    for (own, expanded) in [("config", "expanded_config"), ("devices", "expanded_devices")] {
        let layers = profiles.iter().chain([&*document]).filter_map(|layer| layer[own].as_object());
        let all: Map<String, Value> =
            layers.flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        document[expanded] = all.into();
    }
}

pub(crate) fn booted(document: &mut Value) {
    if let Some(config) = document["config"].as_object_mut() {
        config.remove("volatile.apply_template");
        config.insert("volatile.idmap.current".into(), IDMAP.into());
        config.insert("volatile.last_state.power".into(), "RUNNING".into());
    }
}

pub(crate) fn halted(document: &mut Value) {
    if let Some(config) = document["config"].as_object_mut() {
        config.insert("volatile.last_state.power".into(), "STOPPED".into());
        config.insert("volatile.last_state.ready".into(), "false".into());
    }
}

/// Changes whenever something changes that clients can write.
pub(crate) fn etag(document: &Value) -> String {
    // The real one doesn't include the description either.
    let keys = ["architecture", "config", "devices", "ephemeral", "profiles"];
    let parts: Vec<String> = keys.iter().map(|key| document[key].to_string()).collect();
    digest(parts.join("\n").as_bytes())
}
