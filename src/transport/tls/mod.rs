//! TLS: which servers to trust, and the client's own certificate.

mod authority;
#[cfg(feature = "incus")]
mod pin;

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::{BuilderVerifierExt, Verifier};

use crate::error::{Error, ErrorKind};

pub(crate) use authority::authorities;
#[cfg(feature = "incus")]
pub(crate) use authority::certificates;
#[cfg(feature = "incus")]
pub(crate) use pin::{Fingerprint, Login, Trust, client};

/// Trusts the certificate authorities of this system, and these.
pub(crate) fn public(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    Ok(trusting_system(builder, extra)?.with_no_client_auth())
}

fn trusting_system(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    if extra.is_empty() {
        return builder.with_platform_verifier().map_err(unusable);
    }
    let verifier = Verifier::new_with_extra_roots(extra, builder.crypto_provider().clone());
    let verifier = Arc::new(verifier.map_err(unusable)?);
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

/// Trusts no certificate. For clients that only speak plain HTTP, without reading the system's certificates.
pub(crate) fn none() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Passed explicitly, because the default of the process belongs to the program.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn unusable(e: rustls::Error) -> Error {
    Error::new(ErrorKind::Configuration, format!("can't set up TLS: {e}"))
        .with(|inner| inner.source = Some(e.into()))
}

/// Why the server's certificate was rejected, if that is the cause. Then nothing was sent, and a retry would not help.
pub(crate) fn distrust(e: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(e);
    while let Some(e) = cause {
        if let Some(rustls::Error::InvalidCertificate(why)) = e.downcast_ref() {
            return Some(in_words(why));
        }
        cause = below(e);
    }
    None
}

/// An error wrapped in an I/O error is not in the chain of sources, so unwrap it.
fn below<'a>(e: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let wrapped = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as _).or_else(|| e.source())
}

fn in_words(why: &CertificateError) -> String {
    match why {
        CertificateError::Other(other) => other.to_string(),
        CertificateError::UnknownIssuer => "its certificate is not signed by a trusted authority".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        CertificateError::BadSignature => "it doesn't have the key of its certificate".to_owned(),
        other => format!("its certificate is not valid: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distrust_is_found_however_deep_it_is() {
        let why = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let deep = io::Error::other(io::Error::other(why.clone()));
        for e in [Box::new(why) as Box<dyn StdError>, Box::new(deep)] {
            assert!(distrust(&*e).is_some_and(|why| why.contains("not signed")), "{e}");
        }
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(distrust(&refused), None);
        assert_eq!(distrust(&io::Error::other(rustls::Error::DecryptError)), None);
    }
}
