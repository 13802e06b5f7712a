//! Where work goes on: which server, and which part of it. Two places are told apart without asking anybody.

use std::net::IpAddr;
use std::path::Path;
use std::sync::OnceLock;

use reqwest::Url;

/// A server, and the part of it that a client works on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) api: &'static str,
    pub(crate) server: Server,
    /// What kind of part and which, as `project:blue`.
    pub(crate) scope: String,
}

/// A server, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    address: String,
    /// The address means another server on another machine.
    local: bool,
    fingerprint: Option<String>,
}

impl Server {
    /// At this address of the network. That of a loopback interface belongs to this machine.
    pub(crate) fn at(url: &Url) -> Self {
        let address = url.as_str().trim_end_matches('/').to_owned();
        Self { address, local: is_loopback(url), fingerprint: None }
    }

    /// Behind this socket of this machine.
    #[cfg(feature = "incus")]
    pub(crate) fn behind(socket: &Path) -> Self {
        let path = std::path::absolute(socket).unwrap_or_else(|_| socket.to_owned());
        Self { address: format!("unix:{}", path.display()), local: true, fingerprint: None }
    }

    /// The one whose certificate has this SHA-256, whatever its address.
    #[cfg(feature = "incus")]
    pub(crate) fn known_by(self, fingerprint: String) -> Self {
        Self { fingerprint: Some(fingerprint), ..self }
    }

    /// Whether its certificate is known.
    pub(crate) fn is_certain(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// Its name, the same wherever it is said: by its certificate if that is known, else by its address.
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

/// How names begin that are fingerprints.
pub(crate) const CERTIFICATE: &str = "sha256:";

/// The account that a key is of. A key has more bits than anybody can guess; the digest leads nowhere.
#[cfg(any(feature = "koyeb", feature = "lambda-cloud"))]
pub(crate) fn account(api: &str, key: &str) -> String {
    format!("key:{}", digest(&[api, key.trim()]))
}

/// This machine, by a digest of its id and its name. Machines that are copies of each other share the id, but not both.
fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        let (id, name) = (read("/etc/machine-id"), read("/proc/sys/kernel/hostname"));
        match (id.trim(), name.trim()) {
            // Nothing is known: no other process must take its machine for this one.
            ("", "") => format!("{:012x}", rand::random::<u64>() >> 16),
            (id, name) => digest(&["machine", id, name]),
        }
    })
}

/// The first 48 bits of a SHA-256, in hex: enough to tell apart, too few to confirm a guess by.
fn digest(parts: &[&str]) -> String {
    let text = format!("windlass ticket\n{}", parts.join("\n"));
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether nobody on a network can listen in although there is no TLS.
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
