//! Certificates in PEM.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::Error;

/// All certificates of a PEM text: at least one.
pub(crate) fn certificates(field: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(Error::invalid(field, "holds no certificate in PEM")),
    }
}

/// As [`certificates`], each of which others may be signed by.
pub(crate) fn authorities(field: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all = certificates(field, pem)?;
    store(&all).map_err(|e| Error::invalid(field, format!("holds a certificate that can't be used: {e}")))?;
    Ok(all)
}

pub(super) fn store(authorities: &[CertificateDer<'static>]) -> Result<RootCertStore, rustls::Error> {
    let mut store = RootCertStore::empty();
    for authority in authorities {
        store.add(authority.clone())?;
    }
    Ok(store)
}
