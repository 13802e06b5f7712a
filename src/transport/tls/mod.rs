//! Whom to trust on the other end of a connection, and who we are to it.

#[cfg(feature = "incus")]
mod pin;

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::{Error, ErrorKind};

#[cfg(feature = "incus")]
pub(crate) use pin::{Fingerprint, Login, Trust, client};

/// The certificate authorities that this system trusts.
pub(crate) fn public() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    Ok(builder.with_platform_verifier().map_err(unusable)?.with_no_client_auth())
}

/// Nobody: for clients that speak plain HTTP only, which needn't read the system's certificates.
pub(crate) fn nobody() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Passed explicitly: a default for the whole process is the program's to choose, not ours.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn unusable(e: rustls::Error) -> Error {
    Error::new(ErrorKind::Configuration, format!("can't set up TLS: {e}"))
        .with(|inner| inner.source = Some(e.into()))
}

/// Why the server was not taken for the one that was meant, if that is what failed. Nothing was sent then, and nothing
/// would be the next time.
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

/// What an I/O error wraps is no link of its own in the chain of causes: it would be skipped.
fn below<'a>(e: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let wrapped = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as _).or_else(|| e.source())
}

fn in_words(why: &CertificateError) -> String {
    match why {
        CertificateError::Other(other) => other.to_string(),
        CertificateError::UnknownIssuer => {
            "nobody whom this client trusts has signed its certificate".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        CertificateError::BadSignature => {
            "it doesn't have the key to the certificate that it shows".to_owned()
        }
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
            assert!(distrust(&*e).is_some_and(|why| why.contains("nobody")), "{e}");
        }
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(distrust(&refused), None);
        assert_eq!(distrust(&io::Error::other(rustls::Error::DecryptError)), None);
    }
}
