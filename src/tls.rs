//! Whom to trust on the other end of a connection.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::{Error, Kind};

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
    Error::new(Kind::Configuration, format!("can't set up TLS: {e}"))
        .with(|inner| inner.source = Some(e.into()))
}
