//! Whom a server trusts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::identity::certificates;
use super::{Incus, TrustToken, operation, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::stream::list::{List, Page};

/// The certificates that a server trusts, and invitations to it; from [`Incus::trust`].
///
/// ```no_run
/// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
/// let token = incus.trust().token("ci-runner").restrict_to(["builds"]).send().await?;
/// println!("join with {}", token.text().expose());
/// for client in incus.trust().list().all().await? {
///     println!("{} {}", client.fingerprint, client.name);
/// }
/// # Ok(()) }
/// ```
///
/// Clients that are restricted to projects may not use it.
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/authentication/#trusted-tls-clients>
#[derive(Debug, Clone)]
pub struct TrustStore {
    incus: Incus,
}

impl Incus {
    /// Whom the server trusts.
    pub fn trust(&self) -> TrustStore {
        TrustStore { incus: self.clone() }
    }
}

impl TrustStore {
    /// An invitation for a client that will have this name.
    pub fn token(&self, name: impl Into<String>) -> TokenRequest {
        TokenRequest { incus: self.incus.clone(), body: request(name.into()) }
    }

    /// Trusts a certificate, in PEM; see [`Identity::certificate_pem`](super::Identity::certificate_pem).
    pub fn add(&self, certificate: impl Into<String>) -> CertificateRequest {
        let body = request(String::new());
        CertificateRequest { incus: self.incus.clone(), pem: certificate.into(), body }
    }

    /// The trusted certificates, as a stream.
    pub fn list(&self) -> List<types::Certificate> {
        let incus = self.incus.clone();
        List::new(move |_| {
            let incus = incus.clone();
            Box::pin(async move { Ok(Page::only(incus.raw().certificates_list().send().await?)) })
        })
    }

    /// The certificate that has this fingerprint, or the start of it.
    pub async fn get(&self, fingerprint: &str) -> Result<types::Certificate, Error> {
        self.incus.raw().certificate_get().fingerprint(fingerprint).send().await
    }

    /// Trusts a certificate no longer, by its fingerprint or the start of it.
    pub async fn delete(&self, fingerprint: &str) -> Result<(), Error> {
        self.incus.raw().certificate_delete().fingerprint(fingerprint).send().await
    }

    /// Makes a token useless. One that is used, expired or revoked already is an error of [`ErrorKind::NotFound`].
    pub async fn revoke(&self, token: &TrustToken) -> Result<(), Error> {
        let all = self.incus.operations().await?;
        let stands_for = |operation: &&types::Operation| {
            let secret =
                operation.metadata.as_ref().and_then(|told| told.get("secret")).and_then(Value::as_str);
            operation.status_code < 200 && secret == Some(token.secret().expose())
        };
        match all.iter().find(stands_for) {
            Some(operation) => operation::cancel(&self.incus, &operation.id).await,
            None => {
                let e = Error::new(ErrorKind::NotFound, "the server knows no such token");
                Err(self.incus.label("operation_cancel", "").on(e.with(|e| e.sent = Sent::Yes)))
            }
        }
    }
}

/// An invitation in the making; from [`TrustStore::token`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.send().await`"]
pub struct TokenRequest {
    incus: Incus,
    body: types::CertificateCreate,
}

impl TokenRequest {
    /// The client may work in these projects only, and not change the server.
    ///
    /// Elsewhere it is refused, with [`ErrorKind::PermissionDenied`]; but 7.0 answers it an empty list of instances.
    pub fn restrict_to(mut self, projects: impl IntoIterator<Item = impl Into<String>>) -> Self {
        restrict(&mut self.body, projects);
        self
    }

    /// Makes it. How long it can be used is the server's setting `core.remote_token_expiry`; without one it doesn't
    /// expire.
    ///
    /// A server that doesn't listen on a network makes tokens as well; they name no address.
    pub async fn send(self) -> Result<TrustToken, Error> {
        self.incus.label("certificate_create", "").watch(self.sent()).await
    }

    async fn sent(self) -> Result<TrustToken, Error> {
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

/// A certificate to be trusted; from [`TrustStore::add`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.send().await`"]
pub struct CertificateRequest {
    incus: Incus,
    pem: String,
    body: types::CertificateCreate,
}

impl CertificateRequest {
    /// What to call the client.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.body.name = name.into();
        self
    }

    /// The client may work in these projects only, and not change the server.
    pub fn restrict_to(mut self, projects: impl IntoIterator<Item = impl Into<String>>) -> Self {
        restrict(&mut self.body, projects);
        self
    }

    /// Has it trusted. One that is trusted already is an error of [`ErrorKind::AlreadyExists`].
    pub async fn send(self) -> Result<(), Error> {
        let all = certificates("certificate", self.pem.as_bytes())?;
        let certificate = all.first().map(|own| STANDARD.encode(own)).unwrap_or_default();
        let body = types::CertificateCreate { certificate, ..self.body };
        self.incus.raw().certificate_create().body(body).send().await.map(drop)
    }
}

/// A blank one.
pub(super) fn request(name: String) -> types::CertificateCreate {
    types::CertificateCreate { name, ..types::CertificateCreate::new(types::CertificateType::Client) }
}

fn restrict(body: &mut types::CertificateCreate, projects: impl IntoIterator<Item = impl Into<String>>) {
    body.restricted = true;
    body.projects.extend(projects.into_iter().map(Into::into));
}
