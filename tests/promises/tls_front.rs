//! TLS in front of a fake, with a certificate of a private authority.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error>;

/// An authority in PEM, and the address of a server with its certificate, which passes everything on to `plain`.
pub async fn with_tls(plain: &str) -> Result<(String, String), Failure> {
    with_tls_for("127.0.0.1", plain).await
}

/// The same, with a certificate for this host.
pub async fn with_tls_for(host: &str, plain: &str) -> Result<(String, String), Failure> {
    let (authority, acceptor) = acceptor(host)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}", listener.local_addr()?);
    let to = plain.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                let mut client = acceptor.accept(stream).await?;
                let mut server = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    Ok((authority, url))
}

/// An authority in PEM, and the server's half of TLS with a certificate that it signed.
fn acceptor(host: &str) -> Result<(String, tokio_rustls::TlsAcceptor), Failure> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = KeyPair::generate()?;
    let authority = params.self_signed(&own)?;
    let key = KeyPair::generate()?;
    let shown = CertificateParams::new(vec![host.to_owned()])?
        .signed_by(&key, &Issuer::from_params(&params, &own))?;
    let server =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![shown.der().clone()], PrivateKeyDer::try_from(key.serialize_der())?)?;
    Ok((authority.pem(), tokio_rustls::TlsAcceptor::from(Arc::new(server))))
}
