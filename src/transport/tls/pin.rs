//! Pinned server certificates, and client certificates.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};

use super::authority::store;
use super::{provider, trusting_system, unusable};
use crate::error::Error;

/// SHA-256 of a certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// How a server is recognized.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// By a certificate for its name, signed by an authority that this system trusts, or by one of these.
    System(Vec<CertificateDer<'static>>),
    /// By a certificate signed by one of these authorities.
    Authorities(Vec<CertificateDer<'static>>),
    /// By exactly this certificate.
    Exactly(Fingerprint),
}

/// A client certificate and its key.
pub(crate) struct Login {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// A TLS client that speaks HTTP/1.1, which websockets need. One connection pool serves both.
pub(crate) fn client(trust: &Trust, login: Option<Login>) -> Result<ClientConfig, Error> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let builder = match trust {
        Trust::System(extra) => trusting_system(builder, extra.clone())?,
        Trust::Authorities(authorities) => {
            builder.with_root_certificates(store(authorities).map_err(unusable)?)
        }
        Trust::Exactly(wanted) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Exactly { wanted: *wanted, provider })),
    };
    let mut client = match login {
        Some(login) => builder.with_client_auth_cert(login.chain, login.key).map_err(unusable)?,
        None => builder.with_no_client_auth(),
    };
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(client)
}

/// Accepts one certificate, whatever names and dates it has, and no other.
///
/// The signature of the handshake proves that the server has its key. It is checked as usual.
#[derive(Debug)]
struct Exactly {
    wanted: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(leaf);
        if shown == self.wanted {
            return Ok(ServerCertVerified::assertion());
        }
        let stranger = Stranger { shown, wanted: self.wanted };
        Err(CertificateError::Other(OtherError(Arc::new(stranger))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Another server answered.
#[derive(Debug)]
struct Stranger {
    shown: Fingerprint,
    wanted: Fingerprint,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown, wanted } = self;
        write!(f, "its certificate is {shown}, not the pinned {wanted}")
    }
}

impl std::error::Error for Stranger {}

impl Fingerprint {
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        // Both are 32 bytes long.
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 64 hex digits, with or without the colons of openssl.
impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::invalid("fingerprint", "isn't a SHA-256 in 64 hex digits");
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
        if digits.len() != 64 {
            return Err(wrong());
        }
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn fingerprints_read_back() {
        let printed = Fingerprint::of(&CertificateDer::from_slice(b"abc"));
        // The well-known SHA-256 of "abc".
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(printed.to_string(), known);
        let with_colons: Vec<&str> = (0..32).map(|at| &known[2 * at..2 * at + 2]).collect();
        for text in [known.to_owned(), known.to_uppercase(), with_colons.join(":")] {
            assert!(text.parse::<Fingerprint>().is_ok_and(|read| read == printed), "{text}");
        }
        for bad in ["", "ba", &known[1..], &format!("{known}0"), &known.replace('b', "x"), &"ü".repeat(64)] {
            assert_eq!(
                bad.parse::<Fingerprint>().map_err(|e| e.kind()),
                Err(ErrorKind::InvalidInput),
                "{bad}"
            );
        }
    }
}
