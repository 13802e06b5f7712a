//! The server's half of TLS: a certificate made at the start, and clients with any certificate or none.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use tokio_rustls::server::TlsStream;

use super::tasks::lock;

/// The server's identity: a key that stays, and a certificate that can be replaced.
pub(crate) struct Tls {
    key: KeyPair,
    now: Mutex<Shown>,
}

#[derive(Clone)]
struct Shown {
    der: CertificateDer<'static>,
    pem: String,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl Tls {
    pub(crate) fn new() -> io::Result<Tls> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let now = Mutex::new(show(&key)?);
        Ok(Tls { key, now })
    }

    /// Another certificate for the same key, from the next connection on.
    pub(crate) fn renew(&self) -> io::Result<()> {
        *lock(&self.now) = show(&self.key)?;
        Ok(())
    }

    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&lock(&self.now).der)
    }

    pub(crate) fn pem(&self) -> String {
        lock(&self.now).pem.clone()
    }

    /// The handshake, and the client's certificate.
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<(TlsStream<S>, Option<Bytes>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = lock(&self.now).acceptor.clone();
        let stream = acceptor.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let shown = shown.map(|certificate| Bytes::copy_from_slice(certificate));
        Ok((stream, shown))
    }
}

fn show(key: &KeyPair) -> io::Result<Shown> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "fake");
    params.serial_number = Some(SerialNumber::from(rand::random::<u64>() >> 1));
    let certificate = params.self_signed(key).map_err(io::Error::other)?;
    let der = certificate.der().clone();
    let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_client_cert_verifier(Arc::new(AnyClient(provider)))
        .with_single_cert(vec![der.clone()], private)
        .map_err(io::Error::other)?;
    Ok(Shown { der, pem: certificate.pem(), acceptor: TlsAcceptor::from(Arc::new(server)) })
}

/// SHA-256, in hexadecimal.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Accepts every certificate whose key the client has, and clients without one. What they may do is decided later.
#[derive(Debug)]
struct AnyClient(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
