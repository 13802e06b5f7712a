//! Networks and their addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, data, failure, not_found, nothing, only_one, options, text};
use super::asked::Asked;
use super::release::Release;
use super::state::{Data, HALO, Network, Reservation, is_visible, now, uuid};
use crate::testing::server::reply::Reply;

/// A refusal after the record of an instance was made: what the record says, and what the answer says.
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) failure: Failure,
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
    let (first, bits) = checked_block(netblock)?;
    let namespace = text(&options, "namespace").unwrap_or(&asked.namespace);
    must_exist(asked, Some(namespace))?;
    if asked.namespace != "system" && asked.namespace != namespace {
        return Err(failure(401, "only admins can create resources in a different namespace"));
    }
    let last = first | (u32::MAX >> bits);
    let reserved = [(first, "network"), (first + 1, "gateway"), (last, "broadcast")];
    let reserved = reserved
        .map(|(address, kind)| (Ipv4Addr::from(address).to_string(), Reservation { kind, when: now() }));
    let uuid = uuid();
    let document = record(asked, &uuid, &options);
    let network = Network { document: document.clone(), reserved: BTreeMap::from(reserved) };
    asked.world.data().networks.insert(uuid.clone(), network);
    let status = asked.world.data().knobs.accepted;
    let world = asked.world.clone();
    asked.world.work.spawn(async move {
        world.step().await;
        let mut all = world.data();
        // It may be deleted by now.
        let new = all.networks.get_mut(&uuid).filter(|network| network.document["state"] == "initial");
        if let Some(network) = new {
            network.document["state"] = "created".into();
        }
    });
    Ok(Reply { status, ..data(&document) })
}

/// A namespace that a request names must be there.
pub(super) fn must_exist(asked: &Asked<'_>, namespace: Option<&str>) -> Result<(), Failure> {
    let named = namespace.filter(|namespace| !namespace.is_empty());
    match named.is_none_or(|namespace| asked.world.data().namespaces.contains_key(namespace)) {
        true => Ok(()),
        false => Err(failure(404, "namespace not found")),
    }
}

/// The document of a new network.
fn record(asked: &Asked<'_>, uuid: &str, options: &Map<String, Value>) -> Value {
    // The newest servers take a no for a yes.
    let newest = asked.world.release >= Release::Develop;
    let provides = |key: &str| newest || options.get(key) != Some(&Value::Bool(false));
    let mut document = json!({
        "uuid": uuid, "state": "initial", "metadata": {}, "version": if newest { 6 } else { 4 }, "name": options.get("name"),
        "namespace": text(options, "namespace").unwrap_or(&asked.namespace), "netblock": text(options, "netblock"),
        "provide_dhcp": provides("provide_dhcp"), "provide_nat": provides("provide_nat"), "floating_gateway": null
    });
    document[if newest { "vxlan_id" } else { "vxid" }] = rand::random_range(1..0xff_ffff).into();
    document
}

fn checked_block(netblock: &str) -> Result<(u32, u32), Failure> {
    let unreadable = |why: String| failure(400, format!("cannot parse netblock: {why}"));
    let Some((first, bits)) = block(netblock) else {
        return Err(unreadable(format!("'{netblock}' does not appear to be an IPv4 or IPv6 network")));
    };
    if !netblock.starts_with(&format!("{}/", Ipv4Addr::from(first))) {
        return Err(unreadable(format!("{netblock} has host bits set")));
    }
    if bits > 29 {
        return Err(failure(400, "network is below minimum size of /29"));
    }
    Ok((first, bits))
}

fn block(netblock: &str) -> Option<(u32, u32)> {
    let (address, bits) = netblock.split_once('/')?;
    let bits: u32 = bits.parse().ok().filter(|bits| (1..=32).contains(bits))?;
    Some((u32::from(address.parse::<Ipv4Addr>().ok()?) & (u32::MAX << (32 - bits)), bits))
}

/// The UUID of a network, by that or by its name.
pub(super) fn find(all: &Data, reference: &str, namespace: &str) -> Result<Option<String>, Failure> {
    let fits = |document: &Value| match document["uuid"] == reference {
        true => is_visible(document, namespace),
        false => {
            let named = document["name"] == reference && document["state"] != "deleted";
            named && is_visible(document, namespace)
        }
    };
    let found = all.networks.iter().filter(|(_, network)| fits(&network.document));
    only_one(found.map(|(uuid, _)| uuid), "network", reference, namespace)
}

fn found<'a>(all: &'a mut Data, reference: &str, namespace: &str) -> Result<&'a mut Network, Failure> {
    let uuid = find(all, reference, namespace)?;
    uuid.and_then(|uuid| all.networks.get_mut(&uuid)).ok_or_else(|| not_found("network"))
}

/// `GET /networks/{network_ref}`.
pub(super) fn get(asked: &Asked<'_>, reference: &str) -> Answer {
    let known: &[&str] = if asked.world.release >= Release::V0_8 { &["namespace"] } else { &[] };
    options(asked.request, "NetworkEndpoint", known)?;
    let mut all = asked.world.data();
    Ok(data(&found(&mut all, reference, &asked.namespace)?.document))
}

/// `DELETE /networks/{network_ref}`.
pub(super) fn delete(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "NetworkEndpoint", &["namespace"])?;
    found(&mut asked.world.data(), reference, &asked.namespace)?;
    must_exist(asked, text(&options, "namespace"))?;
    let mut all = asked.world.data();
    let document = &mut found(&mut all, reference, &asked.namespace)?.document;
    if text(&options, "namespace").is_some_and(|only| document["namespace"] != only) {
        return Err(failure(404, "network not in namespace"));
    }
    if document["state"] == "deleted" {
        return Ok(nothing());
    }
    let before = document.clone();
    document["state"] = "deleted".into();
    Ok(data(&before))
}

/// `GET /networks/{network_ref}/addresses`.
pub(super) fn addresses(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "NetworkAddressesEndpoint", &[])?;
    let mut all = asked.world.data();
    let network = found(&mut all, reference, &asked.namespace)?;
    // Halos that are over stay until the next address is reserved.
    let shown = network
        .reserved
        .iter()
        .map(|(address, it)| json!({ "address": address, "type": it.kind, "when": it.when, "comment": "" }));
    Ok(data(&shown.collect()))
}

impl Network {
    /// Removes halos that are over.
    fn forget(&mut self) {
        let now = now();
        self.reserved.retain(|_, it| it.kind != HALO || now - it.when <= 300.0);
    }

    /// Reserves this address, or any.
    pub(super) fn reserve(&mut self, address: Option<&str>) -> Result<String, Refusal> {
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

    /// Whether the address is one of the network's.
    pub(super) fn contains(&self, address: &str) -> bool {
        let own = self.document["netblock"].as_str().and_then(block);
        let address = address.parse::<Ipv4Addr>().map(u32::from);
        own.zip(address.ok()).is_some_and(|((first, bits), it)| it & (u32::MAX << (32 - bits)) == first)
    }
}
