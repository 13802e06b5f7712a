//! The certificates that a server trusts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::incus::{Incus, types};
use crate::stream::query::Query;
use crate::transport::tls;
use crate::wait::into_future;

handle! {
    /// A certificate that the server trusts: typed data together with a cheap handle.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// for client in incus.certificates().await? {
    ///     println!("{} {}", client.fingerprint, client.name);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/authentication/#trusted-tls-clients>
    Certificate<types::Certificate> of incus: Incus;
    /// A handle on a certificate of which only the fingerprint is known; from [`Incus::certificate`].
    CertificateRef
}

identified! {
    types::Certificate: fingerprint;
}

impl Incus {
    /// The certificates that the server trusts. Clients that are restricted to projects may not read them.
    pub fn certificates(&self) -> Query<Certificate> {
        let incus = self.clone();
        Query::one(async move {
            let all = incus.raw().certificates_list().send().await?;
            Ok(all.into_iter().map(|data| Certificate::new(&incus, data)).collect())
        })
    }

    /// A handle on a trusted certificate by its fingerprint or the start of it, without a request.
    pub fn certificate(&self, fingerprint: impl Into<String>) -> CertificateRef {
        Certificate::new(self, Id::new(fingerprint))
    }

    /// Has the server trust a certificate, in PEM; see
    /// [`Identity::certificate_pem`](crate::incus::Identity::certificate_pem).
    ///
    /// ```no_run
    /// # use windlass::incus::{Identity, Incus};
    /// # async fn demo(incus: Incus, runner: Identity) -> windlass::Result<()> {
    /// incus.add_certificate(runner.certificate_pem()).name("ci-runner").restrict_to(["builds"]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if it is trusted already,
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text holds no certificate.
    pub fn add_certificate(&self, pem: impl Into<String>) -> AddCertificate {
        AddCertificate { incus: self.clone(), pem: pem.into(), body: request(String::new()) }
    }
}

impl<D: Identified> Certificate<D> {
    /// SHA-256 of the certificate in hex, or the start of it.
    pub fn fingerprint(&self) -> &str {
        self.data.identity()
    }

    /// Reads the certificate.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the server doesn't trust it.
    pub async fn get(&self) -> Result<Certificate, Error> {
        let data = self.incus.raw().certificate_get().fingerprint(self.fingerprint()).send().await?;
        Ok(Certificate::new(&self.incus, data))
    }

    /// Ends the trust in it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the server doesn't trust it.
    pub async fn delete(&self) -> Result<(), Error> {
        self.incus.raw().certificate_delete().fingerprint(self.fingerprint()).send().await
    }
}

/// A certificate to trust; from [`Incus::add_certificate`]. `.await` it.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct AddCertificate {
    incus: Incus,
    pem: String,
    body: types::CertificateCreate,
}

impl AddCertificate {
    /// The name of the client.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.body.name = name.into();
        self
    }

    /// Restricts the client to these projects; it can't change the server.
    pub fn restrict_to(mut self, projects: impl IntoIterator<Item = impl Into<String>>) -> Self {
        restrict(&mut self.body, projects);
        self
    }

    async fn send(self) -> Result<(), Error> {
        let all = tls::certificates("certificate", self.pem.as_bytes())?;
        let certificate = all.first().map(|own| STANDARD.encode(own)).unwrap_or_default();
        let body = types::CertificateCreate { certificate, ..self.body };
        self.incus.raw().certificate_create().body(body).send().await.map(drop)
    }
}

into_future!(AddCertificate => (): |it| it.send().await);

/// A blank request.
pub(in crate::incus) fn request(name: String) -> types::CertificateCreate {
    types::CertificateCreate { name, ..types::CertificateCreate::new(types::CertificateType::Client) }
}

pub(in crate::incus) fn restrict(
    body: &mut types::CertificateCreate,
    projects: impl IntoIterator<Item = impl Into<String>>,
) {
    body.restricted = true;
    body.projects.extend(projects.into_iter().map(Into::into));
}
