//! What the server is and can do.

use crate::error::{Error, ErrorKind, Sent};
use crate::incus::{Incus, types};

impl Incus {
    /// Describes the server: version, extensions, whether it trusts the caller.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Connect`] if no server answers.
    pub async fn get_server(&self) -> Result<types::Server, Error> {
        self.raw().server_get().send().await
    }

    /// The same; an error if the server doesn't trust this client.
    pub(super) async fn trusted_server(&self) -> Result<types::Server, Error> {
        let server = self.get_server().await?;
        if server.trusts() {
            return Ok(server);
        }
        let e = Error::new(ErrorKind::PermissionDenied, "the server does not trust this client");
        Err(self.label("server_get", "").on(e.with(|e| e.sent = Sent::Yes)))
    }

    /// Whether a patch of an instance leaves its description alone.
    pub(super) async fn patches_well(&self) -> Result<bool, Error> {
        let asked = || async { Ok(self.get_server().await?.patches_well()) };
        self.0.patches_well.get_or_try_init(asked).await.copied()
    }
}

impl types::Server {
    /// Whether the server has an extension beyond version 1.0 of the API.
    ///
    /// Vendor's list: <https://linuxcontainers.org/incus/docs/main/api-extensions/>
    pub fn has_extension(&self, name: &str) -> bool {
        self.api_extensions.iter().any(|extension| extension == name)
    }

    /// SHA-256 of its certificate, in hex. In a cluster all members have the same.
    pub(super) fn certificate_fingerprint(&self) -> Option<&str> {
        let told = self.environment.as_ref().map(|environment| environment.certificate_fingerprint.as_str());
        told.filter(|told| !told.is_empty())
    }

    /// Before 6.0.6, and from 6.1 to 6.16, a patch sets an instance's description to what it says, and empties it if it
    /// says nothing. No extension tells the difference.
    fn patches_well(&self) -> bool {
        let version = self.environment.as_ref().map_or("", |environment| &environment.server_version);
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        let mut next = || numbers.next().flatten();
        match (next(), next(), next()) {
            (Some(6), Some(0), patch) => patch.is_some_and(|patch| patch >= 6),
            (Some(6), minor, _) => minor.is_some_and(|minor| minor >= 17),
            (major, _, _) => major.is_some_and(|major| major > 6),
        }
    }

    /// Whether it trusts this client.
    pub(super) fn trusts(&self) -> bool {
        self.auth != Some(types::Trust::Untrusted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_servers_patch_well() {
        for (version, expected) in [
            ("6.0.4", false),
            ("6.0.5", false),
            ("6.0.6", true),
            ("6.0.10", true),
            ("6.0", false),
            ("6.12", false),
            ("6.16", false),
            ("6.17", true),
            ("6.19.1", true),
            ("7.0.0", true),
            ("8", true),
            ("odd", false),
            ("", false),
        ] {
            let json = serde_json::json!({"environment": {"server_version": version}});
            let server: types::Server = serde_json::from_value(json).unwrap_or_else(|e| unreachable!("{e}"));
            assert_eq!(server.patches_well(), expected, "{version}");
        }
    }
}
