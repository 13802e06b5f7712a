//! `/1.0/networks`: bridges that the server manages. They are only documents; no packet passes.

use serde_json::{Map, Value, json};

use super::common::{body, digest, lacking, not_implemented, project, recursion};
use super::envelope::{self, Answer, Failure, failure};
use super::world::{Key, World, in_project, url};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// The options of a bridge that clients may set, or their beginnings.
const KNOWN_KEYS: [&str; 9] =
    ["bridge.", "dns.", "ipv4.", "ipv6.", "raw.dnsmasq", "security.acls", "tunnel.", "user.", "volatile."];

pub(super) fn networks(world: &World, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(list(world, request)),
        ("POST", []) => create(world, request),
        (_, []) => not_implemented(),
        (_, [name]) => one(world, request, name),
        ("GET", [name, "state"]) => state(world, name),
        ("GET", [name, "leases"]) => leases(world, name),
        (_, [_, "state" | "leases"]) => not_implemented(),
        (_, [_, "forwards" | "load-balancers" | "peers", ..]) => lacking(request),
        _ => Err(failure(404, "not found")),
    }
}

fn list(world: &World, request: &Request) -> crate::testing::server::reply::Reply {
    let names: Vec<String> = lock(&world.networks).keys().cloned().collect();
    let shown: Vec<Value> = match recursion(request) {
        0 => names.iter().map(|name| format!("/1.0/networks/{name}").into()).collect(),
        _ => names.iter().filter_map(|name| document(world, name).ok()).collect(),
    };
    envelope::sync(&shown.into())
}

/// A network with its users.
fn document(world: &World, name: &str) -> Result<Value, Failure> {
    let found = lock(&world.networks).get(name).cloned();
    let mut document = found.ok_or_else(|| failure(404, "Network not found"))?;
    document["used_by"] = users(world, name).into();
    Ok(document)
}

/// The same, in the words of what does more than look.
fn loaded(world: &World, name: &str) -> Result<Value, Failure> {
    document(world, name).map_err(|e| failure(e.code, format!("Failed loading network: {}", e.text)))
}

fn users(world: &World, name: &str) -> Vec<String> {
    let profiles = world.all_profiles().into_iter().filter(|key| {
        let document = lock(&world.profiles).find(key).unwrap_or_default();
        !cards(&document["devices"], name).is_empty()
    });
    let profiles = profiles.map(|key: Key| in_project(&key.0, format!("/1.0/profiles/{}", key.1)));
    let instances = lock(&world.instances);
    let on_it = instances.iter().filter(|(_, it)| !cards(&it.document["expanded_devices"], name).is_empty());
    on_it.map(|(key, _)| url(key)).chain(profiles).collect()
}

/// The devices that are on a network.
fn cards<'a>(devices: &'a Value, network: &str) -> Vec<&'a Value> {
    let devices = devices.as_object().into_iter().flatten().map(|(_, device)| device);
    devices.filter(|device| device["type"] == "nic" && device["network"] == network).collect()
}

fn create(world: &World, request: &Request) -> Answer {
    if world.has_own_networks(&project(request)) {
        return lacking(request);
    }
    let asked = body(request)?;
    let text = |key: &str| asked[key].as_str().unwrap_or_default();
    let name = text("name");
    check_name(name)?;
    match text("type") {
        "" | "bridge" => {}
        "macvlan" | "sriov" | "ovn" | "physical" => return lacking(request),
        _ => return Err(failure(400, "Unknown driver")),
    }
    let config = with_addresses(asked["config"].as_object().cloned().unwrap_or_default());
    check_config(name, &config)?;
    let mut networks = lock(&world.networks);
    if networks.contains_key(name) {
        return Err(failure(400, format!("Network {name:?} already exists")));
    }
    let document = json!({
        "name": name, "type": "bridge", "managed": true, "status": "Created", "locations": ["none"],
        "description": text("description"), "config": config, "used_by": [], "project": "default",
    });
    networks.insert(name.to_owned(), document);
    drop(networks);
    tell(world, "network-created", name, &Value::Null);
    Ok(envelope::created(&format!("/1.0/networks/{name}")))
}

fn tell(world: &World, what: &str, name: &str, context: &Value) {
    world.events.lifecycle(what, &format!("/1.0/networks/{name}"), "default", context);
}

/// What Linux takes as the name of an interface.
fn check_name(name: &str) -> Result<(), Failure> {
    let odd = |c: char| c.is_whitespace() || matches!(c, '/' | ':');
    match name {
        "" => Err(failure(400, "No name provided")),
        _ if name.len() < 2 => Err(failure(400, "Network interface is too short (minimum 2 characters)")),
        _ if name.len() > 15 => Err(failure(400, "Network interface is too long (maximum 15 characters)")),
        _ if name.contains(odd) => Err(failure(400, "Network interface contains invalid characters")),
        _ => Ok(()),
    }
}

fn check_config(name: &str, config: &Map<String, Value>) -> Result<(), Failure> {
    for key in ["ipv4.address", "ipv6.address"] {
        let given = config.get(key).and_then(Value::as_str).unwrap_or("none");
        let is_block = given.split_once('/').is_some_and(|(address, bits)| {
            address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok()
        });
        if !["", "none", "auto"].contains(&given) && !is_block {
            let text =
                format!("Invalid value for network {name:?} option {key:?}: invalid CIDR address: {given}");
            return Err(failure(400, text));
        }
    }
    let odd = config.keys().find(|key| !KNOWN_KEYS.iter().any(|known| key.starts_with(known)));
    match odd {
        Some(odd) => Err(failure(400, format!("Invalid option for network {name:?} option {odd:?}"))),
        None => Ok(()),
    }
}

/// The server chooses the addresses that a new bridge doesn't name.
fn with_addresses(mut config: Map<String, Value>) -> Map<String, Value> {
    let [a, b]: [u8; 2] = rand::random();
    let chosen = [("ipv4", format!("10.{a}.{b}.1/24")), ("ipv6", format!("fd42:{a:x}:{b:x}:1::1/64"))];
    for (family, address) in chosen {
        let key = format!("{family}.address");
        let given = config.get(&key).and_then(Value::as_str).unwrap_or("auto");
        if given == "none" {
            continue;
        }
        if matches!(given, "auto" | "") {
            config.insert(key, address.into());
            config.entry(format!("{family}.nat")).or_insert_with(|| "true".into());
        }
    }
    config
}

fn one(world: &World, request: &Request, name: &str) -> Answer {
    let reads = request.method == "GET";
    let document = if reads { document(world, name) } else { loaded(world, name) }?;
    match request.method.as_str() {
        "GET" => Ok(envelope::sync(&document).header("Etag", format!("\"{}\"", etag(&document)))),
        "PUT" | "PATCH" => change(world, request, name, document),
        "POST" => rename(world, request, name, document),
        "DELETE" => delete(world, name, &document),
        _ => not_implemented(),
    }
}

fn etag(document: &Value) -> String {
    let parts = ["name", "managed", "type", "description", "config"].map(|key| document[key].to_string());
    digest(parts.join("\n").as_bytes())
}

/// A PUT empties what isn't in it.
fn change(world: &World, request: &Request, name: &str, mut document: Value) -> Answer {
    let etag = etag(&document);
    let given = request.header("if-match").map(|given| given.trim_matches('"'));
    if let Some(given) = given.filter(|given| !given.is_empty() && *given != etag) {
        return Err(failure(412, format!("ETag doesn't match: {etag} vs {given}")));
    }
    let asked = body(request)?;
    let before = document["config"].as_object().cloned().unwrap_or_default();
    let kept = if request.method == "PUT" { Map::new() } else { before };
    let given = asked["config"].as_object().cloned().unwrap_or_default();
    let config = kept.into_iter().chain(given).filter(|(_, value)| *value != "").collect();
    check_config(name, &config)?;
    document["config"] = with_addresses(config).into();
    if request.method == "PUT" || asked.get("description").is_some() {
        document["description"] = asked["description"].as_str().unwrap_or_default().into();
    }
    lock(&world.networks).insert(name.to_owned(), document);
    tell(world, "network-updated", name, &Value::Null);
    Ok(envelope::done())
}

fn rename(world: &World, request: &Request, name: &str, mut document: Value) -> Answer {
    let new = body(request)?["name"].as_str().unwrap_or_default().to_owned();
    check_name(&new)?;
    if document["used_by"].as_array().is_some_and(|users| !users.is_empty()) {
        return Err(failure(400, "Network is currently in use"));
    }
    let mut networks = lock(&world.networks);
    if networks.contains_key(&new) {
        return Err(failure(409, format!("Network {new:?} already exists")));
    }
    networks.remove(name);
    document["name"] = new[..].into();
    networks.insert(new.clone(), document);
    drop(networks);
    tell(world, "network-renamed", &new, &json!({"old_name": name}));
    Ok(envelope::created(&format!("/1.0/networks/{new}")))
}

fn delete(world: &World, name: &str, document: &Value) -> Answer {
    if document["used_by"].as_array().is_some_and(|users| !users.is_empty()) {
        return Err(failure(400, "The network is currently in use"));
    }
    lock(&world.networks).remove(name);
    tell(world, "network-deleted", name, &Value::Null);
    Ok(envelope::done())
}

fn state(world: &World, name: &str) -> Answer {
    let missing = |_| failure(404, format!("Network interface {name:?} not found"));
    let document = document(world, name).map_err(missing)?;
    let address = |family: &str, key: &str| {
        let (address, netmask) = document["config"][key].as_str()?.split_once('/')?;
        Some(json!({"family": family, "address": address, "netmask": netmask, "scope": "global"}))
    };
    let addresses = [address("inet", "ipv4.address"), address("inet6", "ipv6.address")];
    let counters = json!({"bytes_received": 0, "bytes_sent": 0, "packets_received": 0, "packets_sent": 0});
    let bridge = json!({
        "id": "8000.10666afd7de6", "stp": false, "forward_delay": 1500, "vlan_default": 0, "vlan_filtering": false,
        "upper_devices": null,
    });
    Ok(envelope::sync(&json!({
        "addresses": addresses.into_iter().flatten().collect::<Vec<_>>(), "counters": counters,
        "hwaddr": "10:66:6a:fd:7d:e6", "mtu": 1500, "state": "up", "type": "broadcast", "bond": null,
        "bridge": bridge, "vlan": null, "ovn": null,
    })))
}

/// The fixed addresses of the instances on it. None of them asks for another.
fn leases(world: &World, name: &str) -> Answer {
    loaded(world, name)?;
    let instances = lock(&world.instances);
    let mut leases = Vec::new();
    for (key, instance) in instances.iter() {
        for card in cards(&instance.document["expanded_devices"], name) {
            let fixed =
                ["ipv4.address", "ipv6.address"].into_iter().filter_map(|family| card[family].as_str());
            leases.extend(fixed.map(|address| {
                json!({"hostname": key.1, "hwaddr": card["hwaddr"].as_str().unwrap_or_default(),
                    "address": address, "type": "static", "location": "none"})
            }));
        }
    }
    Ok(envelope::sync(&leases.into()))
}

impl World {
    fn has_own_networks(&self, project: &str) -> bool {
        let projects = lock(&self.projects);
        projects.get(project).is_some_and(|document| document["config"]["features.networks"] == "true")
    }
}
