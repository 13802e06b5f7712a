//! A server over TLS before a fake, whose answers have no length: each ends with its connection, after a close_notify.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::wire;

/// The server.
pub struct TlsFront {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate.
    pub pem: String,
    accepting: JoinHandle<()>,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl TlsFront {
    /// One before the server at this address.
    pub async fn before(url: &str) -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).map_err(io::Error::other)?;
        let (certificate, key) = (made.cert, made.signing_key);
        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let origin = url.trim_start_matches("http://").to_owned();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accepting = tokio::spawn(accept(listener, acceptor, origin));
        Ok(Self { address, pem: certificate.pem(), accepting })
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, origin: String) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                let (acceptor, origin) = (acceptor.clone(), origin.clone());
                connections.spawn(async move {
                    if let Ok(client) = acceptor.accept(client).await {
                        let _ = answer(client, &origin).await;
                    }
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Passes one request on, and its answer back without a length.
async fn answer(mut client: impl AsyncRead + AsyncWrite + Unpin, origin: &str) -> io::Result<()> {
    let mut first = Vec::new();
    client.read_buf(&mut first).await?;
    let Some(request) = wire::request(&mut client, first).await else { return Ok(()) };
    let mut server = TcpStream::connect(origin).await?;
    server.write_all(&request.bytes).await?;
    let line = request.first_line();
    let answer = wire::answer(&mut server, line.split(' ').next().unwrap_or_default()).await?;
    let head = String::from_utf8_lossy(&answer.bytes[..answer.head]).into_owned();
    let is_kept = |line: &&str| {
        let lower = line.to_ascii_lowercase();
        !line.is_empty() && !lower.starts_with("content-length:") && !lower.starts_with("transfer-encoding:")
    };
    let kept: Vec<&str> = head.split("\r\n").filter(is_kept).collect();
    client.write_all(format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).as_bytes()).await?;
    client.write_all(&answer.unchunked()).await?;
    client.shutdown().await
}
