//! Interfaces of instances.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, nothing, options, text};
use super::asked::Asked;
use super::life;
use super::networks::{Refusal, find};
use super::state::{Data, is_visible, must_be_created, uuid};
use crate::testing::server::reply::Reply;

/// An interface to be made.
pub(super) struct Wanted {
    network: String,
    asked: Map<String, Value>,
}

/// The interfaces that a launch asks for, with the checks that the server makes before it makes a record.
pub(super) fn wanted(
    all: &Data,
    asked: Option<Value>,
    caller: &str,
    namespace: &str,
) -> Result<Vec<Wanted>, Failure> {
    let asked = match asked {
        Some(Value::Array(asked)) => asked,
        _ => Vec::new(),
    };
    asked.into_iter().map(|one| check(all, one, caller, namespace)).collect()
}

fn check(all: &Data, asked: Value, caller: &str, namespace: &str) -> Result<Wanted, Failure> {
    let Value::Object(asked) = asked else {
        return Err(failure(400, "network specification should contain JSON objects"));
    };
    let missing = || failure(400, "network specification is missing network_uuid");
    let reference = text(&asked, "network_uuid").ok_or_else(missing)?;
    let uuid = find(all, reference, caller)?;
    let there = uuid.and_then(|uuid| all.networks.get(&uuid));
    let network = there.ok_or_else(|| failure(404, format!("network {reference} not found")))?;
    let uuid = network.document["uuid"].as_str().unwrap_or_default().to_owned();
    if let Some(address) = text(&asked, "address").filter(|address| *address != "none")
        && !network.contains(address)
    {
        return Err(failure(
            400,
            "network specification requests an address outside the range of the network",
        ));
    }
    let state = network.document["state"].as_str().unwrap_or_default();
    if state != "created" {
        return Err(failure(406, format!("network {uuid} is not ready ({state})")));
    }
    if network.document["namespace"] != namespace {
        return Err(failure(404, format!("network {uuid} does not exist")));
    }
    Ok(Wanted { network: uuid, asked })
}

/// Makes the interfaces of a new instance.
pub(super) fn plug_all(all: &mut Data, instance: &str, wanted: Vec<Wanted>) -> Result<(), Refusal> {
    wanted.into_iter().try_for_each(|one| plug(all, instance, one).map(drop))
}

fn plug(all: &mut Data, instance: &str, wanted: Wanted) -> Result<Value, Refusal> {
    let none = text(&wanted.asked, "address") == Some("none");
    let network = all.networks.get_mut(&wanted.network);
    let address = match network.filter(|_| !none) {
        Some(network) => Some(network.reserve(text(&wanted.asked, "address"))?),
        None => None,
    };
    let order = all.interfaces.values().filter(|interface| interface["instance_uuid"] == instance).count();
    let floating = match wanted.asked.get("float") == Some(&Value::Bool(true)) {
        true => Some(float_address(all)?),
        false => None,
    };
    let random: [u8; 3] = rand::random();
    let mac = format!("02:00:00:{:02x}:{:02x}:{:02x}", random[0], random[1], random[2]);
    let uuid = uuid();
    let interface = json!({
        "uuid": uuid, "state": "initial", "metadata": {}, "version": 3, "network_uuid": wanted.network,
        "instance_uuid": instance, "macaddr": text(&wanted.asked, "macaddress").unwrap_or(&mac), "ipv4": address,
        "order": order, "model": text(&wanted.asked, "model").unwrap_or("virtio"), "floating": floating
    });
    all.interfaces.insert(uuid, interface.clone());
    Ok(interface)
}

/// `GET /instances/{instance_ref}/interfaces`.
pub(super) fn of_instance(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceInterfacesEndpoint", &[])?;
    let all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    Ok(data(&all.interfaces_of(&uuid)))
}

/// `POST /instances/{instance_ref}/interfaces`: if the address isn't free, the instance is destroyed.
pub(super) fn hot_plug(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceInterfacesEndpoint", &["network"])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    must_be_created(&all.instance(&uuid)?.document)?;
    let home = all.instance(&uuid)?.document["namespace"].as_str().unwrap_or_default().to_owned();
    let nic = check(&all, options.get("network").cloned().unwrap_or_default(), &asked.namespace, &home)?;
    match plug(&mut all, &uuid, nic) {
        Ok(interface) => Ok(Reply { status: all.knobs.accepted, ..data(&interface) }),
        Err(Refusal { message, failure }) => {
            all.enter(&uuid, "created-error");
            drop(all);
            life::break_down(asked.world, &uuid, &message);
            Err(failure)
        }
    }
}

/// `GET /interfaces/{interface_uuid}`.
pub(super) fn get(asked: &Asked<'_>, uuid: &str) -> Answer {
    options(asked.request, "InterfaceEndpoint", &[])?;
    let all = asked.world.data();
    must_be_visible(&all, uuid, &asked.namespace)?;
    Ok(data(all.interfaces.get(uuid).ok_or_else(|| not_found("interface"))?))
}

/// An interface belongs to the namespace of its instance.
fn must_be_visible(all: &Data, uuid: &str, namespace: &str) -> Result<(), Failure> {
    let owner = all.interfaces.get(uuid).and_then(|interface| interface["instance_uuid"].as_str());
    let owner = owner.and_then(|owner| all.instances.get(owner));
    match owner.is_some_and(|owner| is_visible(&owner.document, namespace)) {
        true => Ok(()),
        false => Err(not_found("interface")),
    }
}

/// `POST /interfaces/{interface_uuid}/float` and `defloat`.
pub(super) fn float(asked: &Asked<'_>, uuid: &str, yes: bool) -> Answer {
    options(asked.request, "InterfaceFloatEndpoint", &[])?;
    let mut all = asked.world.data();
    must_be_visible(&all, uuid, &asked.namespace)?;
    if yes && all.interfaces.get(uuid).is_some_and(|interface| !interface["floating"].is_null()) {
        return Err(failure(500, "server error: NetworkInterfaceAlreadyFloating()"));
    }
    // Without a free address the instance runs on.
    let floating = match yes {
        true => Some(float_address(&all).map_err(|refusal| refusal.failure)?),
        false => None,
    };
    if let Some(interface) = all.interfaces.get_mut(uuid) {
        interface["floating"] = json!(floating);
    }
    Ok(nothing())
}

/// An address of the floating pool, if one is left.
fn float_address(all: &Data) -> Result<String, Refusal> {
    let taken: Vec<&str> = all.interfaces.values().filter_map(|it| it["floating"].as_str()).collect();
    let mut pool = (1..=all.knobs.floating).map(|number| format!("192.0.2.{number}"));
    pool.find(|address| !taken.contains(&address.as_str())).ok_or_else(|| {
        let text = "No free addresses on network";
        Refusal { message: format!("cannot allocate address: {text}"), failure: failure(507, text) }
    })
}
