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

    pub(super) fn trusted(&self) -> Result<(), Error> {
        if self.auth == Some(types::Trust::Untrusted) {
            let e = Error::new(Kind::PermissionDenied, "the server does not trust this client");
            return Err(e.with(|e| (e.api, e.sent) = ("incus", Sent::Yes)));
        }
        Ok(())
    }
}
