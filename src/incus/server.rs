//! What the server is and can do.

use super::reply::open;
use super::{Incus, scoped, types};
use crate::error::{Error, Kind, Sent};

impl Incus {
    /// Describes the server: version, extensions, whether it trusts the caller.
    pub async fn server(&self) -> Result<types::Server, Error> {
        let call = self.call();
        let result = scoped!(call.server_get(), self.own_project()).send().await;
        open(&call, result).await
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

    pub(super) fn trusted(&self) -> Result<(), Error> {
        if self.auth == Some(types::Trust::Untrusted) {
            let e = Error::new(Kind::PermissionDenied, "the server does not trust this client");
            return Err(e.with(|e| (e.api, e.sent) = ("incus", Sent::Yes)));
        }
        Ok(())
    }
}
