//! Firewall rules and rulesets.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::catalog;
use super::companions::CREATED;
use super::envelope::{Answer, Failure, body, failure, invalid, missing, not_allowed, nowhere};
use super::state::State;
use crate::testing::server::request::Request;

pub(super) fn route(state: &mut State, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", ["firewall-rules"]) => Ok(state.rules.clone()),
        ("PUT", ["firewall-rules"]) => {
            state.rules = rules(&body(request)?["data"])?;
            Ok(state.rules.clone())
        }
        ("GET", ["firewall-rulesets"]) => Ok(state.rulesets.keys().map(|id| shown(state, id)).collect()),
        ("POST", ["firewall-rulesets"]) => create(state, &body(request)?),
        ("GET", ["firewall-rulesets", "global"]) => Ok(global(state)),
        ("PATCH", ["firewall-rulesets", "global"]) => {
            let asked = body(request)?;
            if !asked["rules"].is_null() {
                state.global_rules = rules(&asked["rules"])?;
            }
            Ok(global(state))
        }
        (method, ["firewall-rulesets", id]) if state.rulesets.contains_key(*id) => match method {
            "GET" => Ok(shown(state, id)),
            "PATCH" => change(state, id, &body(request)?),
            "DELETE" => remove(state, id),
            _ => not_allowed(),
        },
        (_, ["firewall-rulesets", _]) => Err(missing("firewall ruleset")),
        (_, [_]) => not_allowed(),
        _ => nowhere(),
    }
}

fn rules(given: &Value) -> Result<Value, Failure> {
    let all = given.as_array().ok_or_else(|| invalid("The rules are no list."))?;
    for rule in all {
        check(rule)?;
    }
    Ok(given.clone())
}

fn check(rule: &Value) -> Result<(), Failure> {
    let protocol = rule["protocol"].as_str().unwrap_or_default();
    if !["tcp", "udp", "icmp", "all"].contains(&protocol) {
        return Err(invalid("protocol must be tcp, udp, icmp or all."));
    }
    if !rule["source_network"].as_str().is_some_and(is_network) {
        return Err(invalid("source_network must be an IPv4 address or network."));
    }
    if !matches!(rule["description"], Value::Null | Value::String(_)) {
        return Err(invalid("description must be a text."));
    }
    match &rule["port_range"] {
        Value::Null => Ok(()),
        _ if protocol == "icmp" => Err(invalid("port_range isn't allowed for icmp.")),
        Value::Array(ports) if is_range(ports) => Ok(()),
        _ => Err(invalid("port_range must be two ports, the lower one first.")),
    }
}

/// `192.0.2.7` or `192.0.2.0/24`.
fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
    address.parse::<Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
}

fn is_range(ports: &[Value]) -> bool {
    let port = |value: &Value| value.as_u64().filter(|port| (1..=65_535).contains(port));
    matches!(ports, [low, high] if port(low).zip(port(high)).is_some_and(|(low, high)| low <= high))
}

fn global(state: &State) -> Value {
    json!({"id": "global", "name": "Global Firewall Rules", "rules": state.global_rules})
}

fn users(state: &State, id: &str) -> Vec<String> {
    let machines = state.machines.iter().filter(|(_, machine)| machine.is_billed());
    let has = |document: &Value| {
        document["firewall_rulesets"].as_array().into_iter().flatten().any(|ruleset| ruleset["id"] == id)
    };
    machines.filter(|(_, machine)| has(&machine.document)).map(|(id, _)| id.clone()).collect()
}

fn shown(state: &State, id: &str) -> Value {
    let mut document = state.rulesets.get(id).cloned().unwrap_or_default();
    document["instance_ids"] = users(state, id).into();
    document
}

fn create(state: &mut State, asked: &Value) -> Answer {
    let text = |key: &str| asked[key].as_str().filter(|text| !text.is_empty());
    let (Some(name), Some(region)) = (text("name"), text("region")) else {
        return Err(invalid("name and region are required."));
    };
    if state.rulesets.values().any(|known| known["name"] == name) {
        return Err(failure(409, "global/conflict", "There is a ruleset of that name."));
    }
    let id = catalog::id();
    let document = json!({
        "id": id, "name": name, "region": catalog::region(region), "rules": rules(&asked["rules"])?,
        "created": CREATED, "instance_ids": [],
    });
    state.rulesets.insert(id, document.clone());
    Ok(document)
}

fn change(state: &mut State, id: &str, asked: &Value) -> Answer {
    let new = if asked["rules"].is_null() { None } else { Some(rules(&asked["rules"])?) };
    if let Some(document) = state.rulesets.get_mut(id) {
        if let Some(new) = new {
            document["rules"] = new;
        }
        if let Some(name) = asked["name"].as_str().filter(|name| !name.is_empty()) {
            document["name"] = name.into();
        }
    }
    Ok(shown(state, id))
}

fn remove(state: &mut State, id: &str) -> Answer {
    if !users(state, id).is_empty() {
        return Err(failure(400, "firewall-rulesets/firewall-ruleset-in-use", "The ruleset is in use."));
    }
    state.rulesets.remove(id);
    Ok(json!({}))
}
