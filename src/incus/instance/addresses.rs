//! Addresses of an instance.

use std::net::IpAddr;

use crate::incus::types;
use crate::incus::types::AddressScope;

/// Which address to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AddressKind {
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address, other than a link-local one.
    Ipv6,
    /// Whichever comes first.
    Any,
}

impl AddressKind {
    const ALL: [(&str, Self); 3] = [("ipv4", Self::Ipv4), ("ipv6", Self::Ipv6), ("any", Self::Any)];

    pub(in crate::incus) fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, kind)| *kind == self).map_or("any", |(word, _)| word)
    }

    pub(in crate::incus) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, kind)| kind)
    }

    /// The best address of this kind.
    pub(in crate::incus) fn pick(self, state: &types::InstanceState) -> Option<IpAddr> {
        state.addresses().into_iter().find(|address| match self {
            Self::Ipv4 => address.is_ipv4(),
            Self::Ipv6 => address.is_ipv6(),
            Self::Any => true,
        })
    }
}

impl types::InstanceState {
    /// The addresses by which others can reach the instance: those of global scope, without the loopback interface's.
    ///
    /// Those of interfaces that the host knows come first; those of interfaces made inside, for example the
    /// bridge of a container engine, come last.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let mut interfaces: Vec<_> =
            self.network.iter().filter(|(_, interface)| interface.type_ != "loopback").collect();
        interfaces.sort_by_key(|(_, interface)| interface.host_name.is_empty());
        let addresses = interfaces.into_iter().flat_map(|(_, interface)| &interface.addresses);
        let global = addresses.filter(|address| address.scope == Some(AddressScope::Global));
        global.filter_map(|address| address.address.parse().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> types::InstanceState {
        let json = r#"{"status":"Running","network":{
            "docker0":{"type":"broadcast","addresses":[{"family":"inet","address":"172.17.0.1","scope":"global"}]},
            "eth0":{"type":"broadcast","host_name":"veth1","addresses":[
                {"family":"inet6","address":"fe80::1","scope":"link"},
                {"family":"inet6","address":"2001:db8::7","scope":"global"},
                {"family":"inet","address":"192.0.2.7","scope":"global"},
                {"family":"inet","address":"nonsense","scope":"global"}]},
            "lo":{"type":"loopback","addresses":[{"family":"inet","address":"192.0.2.9","scope":"global"}]}}}"#;
        serde_json::from_str(json).unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn the_reachable_ones_first() {
        let addresses: Vec<_> = state().addresses().iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["2001:db8::7", "192.0.2.7", "172.17.0.1"]);
    }

    #[test]
    fn kinds() {
        for (kind, best) in [
            (AddressKind::Ipv4, "192.0.2.7"),
            (AddressKind::Ipv6, "2001:db8::7"),
            (AddressKind::Any, "2001:db8::7"),
        ] {
            assert_eq!(kind.pick(&state()), best.parse().ok());
            assert_eq!(AddressKind::of_word(kind.word()), Some(kind));
        }
        assert_eq!(AddressKind::of_word("ipx"), None);
    }
}
