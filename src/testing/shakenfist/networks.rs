//! Networks, their addresses, and the interfaces on them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, nothing, options, text};
use super::api::Asked;
use super::state::{Data, HALO, Network, Reservation, is_visible, now, uuid};
use super::{Release, instances, life};
use crate::testing::server::reply::Reply;

/// A create that fails after the record was made: what the record says, and what the answer.
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) failure: Failure,
}

/// An interface that is to be made.
pub(super) struct Wanted {
    network: String,
    asked: Map<String, Value>,
}

/// `GET /networks`.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let options = options(asked.request, "NetworksEndpoint", &["all"])?;
    let everything = options.get("all").and_then(Value::as_bool).unwrap_or_default();
    let all = asked.world.data();
    let there = all.networks.values().map(|network| &network.document);
    let shown = there.filter(|document| {
        is_visible(document, &asked.namespace) && (everything || document["state"] != "deleted")
    });
    Ok(data(&json!(shown.collect::<Vec<_>>())))
}

/// `POST /networks`.
pub(super) fn create(asked: &Asked<'_>) -> Answer {
    let mut known = vec!["netblock", "name", "provide_dhcp", "provide_nat", "namespace"];
    if asked.world.release >= Release::Develop {
        known.push("provide_dns");
    }
    let options = options(asked.request, "NetworksEndpoint", &known)?;
    let netblock = text(&options, "netblock").unwrap_or_default();
    let Some((first, bits)) = block(netblock) else {
        return Err(failure(400, format!("cannot parse netblock: {netblock:?}")));
    };
    if bits > 29 {
        return Err(failure(400, "network is below minimum size of /29"));
    }
    let last = first | (u32::MAX >> bits);
    let reserved = [(first, "network"), (first + 1, "gateway"), (last, "broadcast")];
    let reserved = reserved
        .map(|(address, kind)| (Ipv4Addr::from(address).to_string(), Reservation { kind, when: now() }));
    // The newest one takes no for yes.
    let heard = asked.world.release < Release::Develop;
    let provides = |key: &str| !(heard && options.get(key) == Some(&Value::Bool(false)));
    let uuid = uuid();
    let mut document = json!({
        "uuid": uuid, "state": "initial", "metadata": {}, "version": 6, "name": options.get("name"),
        "namespace": text(&options, "namespace").unwrap_or(&asked.namespace), "netblock": netblock,
        "provide_dhcp": provides("provide_dhcp"), "provide_nat": provides("provide_nat"), "floating_gateway": null
    });
    let vxlan = if asked.world.release >= Release::Develop { "vxlan_id" } else { "vxid" };
    document[vxlan] = rand::random_range(1..0xff_ffff).into();
    let network = Network { document: document.clone(), reserved: BTreeMap::from(reserved) };
    let mut all = asked.world.data();
    all.networks.insert(uuid.clone(), network);
    let status = all.knobs.accepted;
    drop(all);
    let world = asked.world.clone();
    asked.world.work.spawn(async move {
        world.step().await;
        if let Some(network) = world.data().networks.get_mut(&uuid) {
            network.document["state"] = "created".into();
        }
    });
    Ok(Reply { status, ..data(&document) })
}

fn block(netblock: &str) -> Option<(u32, u32)> {
    let (address, bits) = netblock.split_once('/')?;
    let bits: u32 = bits.parse().ok().filter(|bits| (1..=32).contains(bits))?;
    Some((u32::from(address.parse::<Ipv4Addr>().ok()?) & (u32::MAX << (32 - bits)), bits))
}

fn find<'a>(all: &'a mut Data, reference: &str, namespace: &str) -> Option<&'a mut Network> {
    all.networks.values_mut().find(|network| {
        let document = &network.document;
        let named = document["name"] == reference && document["state"] != "deleted";
        (document["uuid"] == reference || named) && is_visible(document, namespace)
    })
}

/// `GET /networks/{network_ref}`.
pub(super) fn get(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "NetworkEndpoint", &["namespace"])?;
    let mut all = asked.world.data();
    let network = find(&mut all, reference, &asked.namespace).ok_or_else(|| not_found("network"))?;
    Ok(data(&network.document))
}

/// `DELETE /networks/{network_ref}`.
pub(super) fn delete(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "NetworkEndpoint", &["namespace"])?;
    let mut all = asked.world.data();
    let network = find(&mut all, reference, &asked.namespace).ok_or_else(|| not_found("network"))?;
    let (uuid, before) =
        (network.document["uuid"].as_str().unwrap_or_default().to_owned(), network.document.clone());
    if let Some(network) = all.networks.get_mut(&uuid) {
        network.document["state"] = "deleted".into();
    }
    Ok(data(&before))
}

/// `GET /networks/{network_ref}/addresses`.
pub(super) fn addresses(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "NetworkAddressesEndpoint", &[])?;
    let mut all = asked.world.data();
    let network = find(&mut all, reference, &asked.namespace).ok_or_else(|| not_found("network"))?;
    // Halos that are over stay until something is reserved.
    let shown = network
        .reserved
        .iter()
        .map(|(address, it)| json!({ "address": address, "type": it.kind, "when": it.when, "comment": "" }));
    Ok(data(&shown.collect()))
}

impl Network {
    /// Halos end.
    fn forget(&mut self) {
        let now = now();
        self.reserved.retain(|_, it| it.kind != HALO || now - it.when <= 300.0);
    }

    fn reserve(&mut self, address: Option<&str>) -> Result<String, Refusal> {
        self.forget();
        let refused = |message: String, failure| Err(Refusal { message, failure });
        let uuid = self.document["uuid"].as_str().unwrap_or_default();
        let address = match address {
            Some(address) if self.reserved.contains_key(address) => {
                let message = format!("failed to reserve an IP on network {uuid}");
                return refused(message, failure(409, format!("address {address} in use")));
            }
            Some(address) => address.to_owned(),
            None => match self.free() {
                Some(address) => address,
                None => {
                    let text = "No free addresses on network";
                    return refused(format!("cannot allocate address: {text}"), failure(507, text));
                }
            },
        };
        self.reserved.insert(address.clone(), Reservation { kind: "instance", when: now() });
        Ok(address)
    }

    fn free(&self) -> Option<String> {
        let (first, bits) = block(self.document["netblock"].as_str()?)?;
        let last = first | (u32::MAX >> bits);
        let mut all = (first..=last).map(|address| Ipv4Addr::from(address).to_string());
        all.find(|address| !self.reserved.contains_key(address))
    }

    fn contains(&self, address: &str) -> bool {
        let own = self.document["netblock"].as_str().and_then(block);
        let address = address.parse::<Ipv4Addr>().map(u32::from);
        own.zip(address.ok()).is_some_and(|((first, bits), it)| it & (u32::MAX << (32 - bits)) == first)
    }
}

/// What a create asks for, checked as far as the server does before it makes a record.
pub(super) fn wanted(all: &Data, asked: Option<Value>, namespace: &str) -> Result<Vec<Wanted>, Failure> {
    let asked = match asked {
        Some(Value::Array(asked)) => asked,
        _ => Vec::new(),
    };
    asked.into_iter().map(|one| check(all, one, namespace)).collect()
}

fn check(all: &Data, asked: Value, namespace: &str) -> Result<Wanted, Failure> {
    let Value::Object(asked) = asked else {
        return Err(failure(400, "network specification should contain JSON objects"));
    };
    let missing = || failure(400, "network specification is missing network_uuid");
    let reference = text(&asked, "network_uuid").ok_or_else(missing)?;
    let there = all.networks.values().find(|network| {
        let document = &network.document;
        (document["uuid"] == reference || document["name"] == reference)
            && document["state"] != "deleted"
            && is_visible(document, namespace)
    });
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

/// `POST /instances/{instance_ref}/interfaces`: where the address isn't free, the instance is destroyed.
pub(super) fn hot_plug(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceInterfacesEndpoint", &["network"])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    instances::must_be_created(&all.instance(&uuid)?.document)?;
    let nic = check(&all, options.get("network").cloned().unwrap_or_default(), &asked.namespace)?;
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
pub(super) fn interface(asked: &Asked<'_>, uuid: &str) -> Answer {
    options(asked.request, "InterfaceEndpoint", &[])?;
    let all = asked.world.data();
    Ok(data(all.interfaces.get(uuid).ok_or_else(|| not_found("interface"))?))
}

/// `POST /interfaces/{interface_uuid}/float` and `defloat`.
pub(super) fn float(asked: &Asked<'_>, uuid: &str, yes: bool) -> Answer {
    options(asked.request, "InterfaceFloatEndpoint", &[])?;
    let mut all = asked.world.data();
    if !all.interfaces.contains_key(uuid) {
        return Err(not_found("interface"));
    }
    // Here the instance lives on where no address is left.
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
