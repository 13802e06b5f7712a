//! Inviting clients with trust tokens.

use serde_json::Value;

use super::certificate::{request, restrict};
use crate::error::{Error, ErrorKind, Sent};
use crate::incus::operation::is_final;
use crate::incus::{BackgroundOperation, Incus, TrustToken, types};
use crate::wait::into_future;

impl Incus {
    /// Makes a token that lets one client, which will have this name, join the server.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let token = incus.create_trust_token("ci-runner").restrict_to(["builds"]).await?;
    /// println!("join with {}", token.text().expose());
    /// # Ok(()) }
    /// ```
    ///
    /// It expires as the server's setting `core.remote_token_expiry` says, or never. A server that doesn't listen on a
    /// network makes tokens as well; they name no address.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/authentication/#authentication-token>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] for clients that are restricted to projects.
    pub fn create_trust_token(&self, name: impl Into<String>) -> CreateTrustToken {
        CreateTrustToken { incus: self.clone(), body: request(name.into()) }
    }

    /// Makes a token useless.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if it is used, expired or revoked already.
    pub async fn revoke_trust_token(&self, token: &TrustToken) -> Result<(), Error> {
        let all = self.operations().await?;
        let stands_for = |operation: &&BackgroundOperation| {
            let secret =
                operation.metadata.as_ref().and_then(|told| told.get("secret")).and_then(Value::as_str);
            !is_final(operation) && secret == Some(token.secret().expose())
        };
        match all.iter().find(stands_for) {
            Some(operation) => operation.cancel().await,
            None => {
                let e = Error::new(ErrorKind::NotFound, "the server knows no such token");
                Err(self.label("operation_cancel", "").on(e.with(|e| e.sent = Sent::Yes)))
            }
        }
    }
}

/// A trust token to make; from [`Incus::create_trust_token`]. `.await` it for the [`TrustToken`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct CreateTrustToken {
    incus: Incus,
    body: types::CertificateCreate,
}

impl CreateTrustToken {
    /// Restricts the client to these projects; it can't change the server.
    ///
    /// In other projects it gets errors of [`ErrorKind::PermissionDenied`]; 7.0 servers answer with an empty list of
    /// instances instead.
    pub fn restrict_to(mut self, projects: impl IntoIterator<Item = impl Into<String>>) -> Self {
        restrict(&mut self.body, projects);
        self
    }

    async fn send(self) -> Result<TrustToken, Error> {
        if self.body.name.is_empty() {
            return Err(Error::invalid("name", "is empty"));
        }
        let body = types::CertificateCreate { token: true, ..self.body };
        let operation = self.incus.raw().certificate_create().body(body).send().await?;
        operation.as_ref().and_then(TrustToken::of_operation).ok_or_else(|| {
            Error::new(ErrorKind::BadReply, "the operation tells no token").with(|e| e.sent = Sent::Yes)
        })
    }
}

into_future!(CreateTrustToken => TrustToken: |it| it.incus.label("certificate_create", "").watch(it.send()).await);
