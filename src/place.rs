//! Where work runs: which server, and which part of it. Places are compared without a request.

use std::net::IpAddr;
#[cfg(feature = "incus")]
use std::path::Path;
use std::sync::OnceLock;

use reqwest::Url;

use crate::system;

/// A server, and the part of it that a client uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) api: &'static str,
    pub(crate) server: Server,
    /// The kind and name of the part, for example `project:blue`.
    pub(crate) scope: String,
}

/// A server, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    address: String,
    /// Whether the address leads elsewhere on another machine.
    local: bool,
    fingerprint: Option<String>,
}

impl Server {
    /// The server at this network address. A loopback address belongs to this machine.
    pub(crate) fn at(url: &Url) -> Self {
        let address = url.as_str().trim_end_matches('/').to_owned();
        Self { address, local: is_loopback(url), fingerprint: None }
    }

    /// The server behind this socket of this machine.
    #[cfg(feature = "incus")]
    pub(crate) fn behind(socket: &Path) -> Self {
        let path = std::path::absolute(socket).unwrap_or_else(|_| socket.to_owned());
        Self { address: format!("unix:{}", path.display()), local: true, fingerprint: None }
    }

    /// The server whose certificate has this SHA-256, at any address.
    #[cfg(feature = "incus")]
    pub(crate) fn known_by(self, fingerprint: String) -> Self {
        Self { fingerprint: Some(fingerprint), ..self }
    }

    /// Whether the certificate is known.
    pub(crate) fn is_certain(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// The name of the server: its certificate if that is known, else its address.
    pub(crate) fn name(&self) -> String {
        match &self.fingerprint {
            Some(fingerprint) => format!("{CERTIFICATE}{fingerprint}"),
            None => self.address_name(),
        }
    }

    pub(crate) fn address_name(&self) -> String {
        match self.local {
            true => format!("{}@{}", self.address, machine()),
            false => self.address.clone(),
        }
    }
}

/// The prefix of names that are fingerprints.
pub(crate) const CERTIFICATE: &str = "sha256:";

/// The account of a key. Keys have too many bits to be guessed from the digest.
#[cfg(any(feature = "koyeb", feature = "lambda-cloud"))]
pub(crate) fn account(api: &str, key: &str) -> String {
    format!("key:{}", digest(&[api, key.trim()]))
}

/// A digest of this machine's id and host name. Cloned machines may share the id, but hardly both.
fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let [id, name] = system::machine();
        match (id.trim(), name.trim()) {
            // Nothing is known: use a random value, so that no other process matches.
            ("", "") => format!("{:012x}", rand::random::<u64>() >> 16),
            (id, name) => digest(&["machine", id, name]),
        }
    })
}

/// The first 48 bits of a SHA-256 in hex: enough to tell values apart, too few to confirm a guess.
fn digest(parts: &[&str]) -> String {
    let text = format!("windlass ticket\n{}", parts.join("\n"));
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the traffic stays on this machine, so that it is safe without TLS.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn an_address_is_named_alike_however_it_is_written() {
        let name = |text| Server::at(&url(text)).name();
        assert_eq!(name("https://Cloud.Example:443/api/"), "https://cloud.example/api");
        assert_ne!(name("https://cloud.example/api"), name("https://cloud.example"));
    }

    #[test]
    fn what_means_this_machine_says_which_machine() {
        let name = Server::at(&url("http://127.0.0.1:80/")).name();
        assert!(name.starts_with("http://127.0.0.1@") && name.len() > 20, "{name}");
    }

    #[cfg(feature = "incus")]
    #[test]
    fn sockets_are_named_by_their_whole_path_and_certificates_go_first() {
        let socket = Server::behind(Path::new("run/incus.socket"));
        assert!(socket.name().starts_with("unix:/"), "{socket:?}");
        assert_eq!(socket.known_by("ab".to_owned()).name(), "sha256:ab");
    }

    #[cfg(feature = "koyeb")]
    #[test]
    fn an_account_doesnt_show_its_key() {
        let account = account("koyeb", " hunter2 \n");
        assert_eq!(account, super::account("koyeb", "hunter2"));
        assert!(!account.contains("hunter2") && account.len() == 16, "{account}");
        assert_ne!(account, super::account("koyeb", "hunter3"));
    }
}
