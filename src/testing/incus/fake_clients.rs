//! Methods of the fake for clients from other machines.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::fake::FakeIncus;
use super::trust::promise;
use crate::testing::server::tasks::lock;
use crate::testing::server::tls::Tls;

/// Clients from other machines.
impl FakeIncus {
    /// Host and port with TLS: `127.0.0.1:PORT`. Untrusted clients see little there.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use windlass::{Incus, testing::FakeIncus};
    ///
    /// let fake = FakeIncus::start().await?;
    /// let incus = Incus::https(fake.https()).join(fake.token("me")).await?;
    /// let me = incus.identity().ok_or("nobody")?;
    /// assert_eq!(fake.trusted(), [me.fingerprint()]);
    /// # Ok(()) }
    /// ```
    pub fn https(&self) -> String {
        self.0.world.trust.address()
    }

    /// SHA-256 of its certificate, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        self.0.world.trust.fingerprint()
    }

    /// Its certificate, in PEM, self-signed for `localhost`, `127.0.0.1` and `::1`.
    pub fn certificate_pem(&self) -> String {
        self.0.world.trust.tls().map(Tls::pem).unwrap_or_default()
    }

    /// Makes another certificate for the same key, used from the next connection on.
    ///
    /// # Errors
    ///
    /// If no certificate can be made.
    pub fn renew_certificate(&self) -> std::io::Result<()> {
        self.0.world.trust.tls().map_or(Ok(()), Tls::renew)
    }

    /// Makes a trust token for a client with this name, as `incus config trust add` prints it.
    pub fn token(&self, client: &str) -> String {
        let asked = json!({"type": "client", "name": client, "token": true});
        STANDARD.encode(promise(&self.0.world, &asked).1.to_string())
    }

    /// How long new tokens are valid (default: without a limit).
    pub fn token_lifetime(&self, lifetime: Duration) {
        *lock(&self.0.world.trust.lifetime) = Some(lifetime);
    }

    /// Trusts a client's certificate, in PEM. False if it isn't one, or is trusted already.
    pub fn trust(&self, certificate: &str) -> bool {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes());
        der.is_ok_and(|der| self.0.world.trust.add(&json!({}), &der).is_ok())
    }

    /// The fingerprints of the clients that it trusts.
    pub fn trusted(&self) -> Vec<String> {
        lock(&self.0.world.trust.certificates).keys().cloned().collect()
    }

    /// Removes all trusted clients.
    pub fn distrust_all(&self) {
        lock(&self.0.world.trust.certificates).clear();
    }

    /// From now on, trusts this OpenID Connect token over TLS, and answers 401 to other ones.
    pub fn accept_bearer(&self, token: &str) {
        *lock(&self.0.world.trust.bearer) = Some(token.to_owned());
    }
}
