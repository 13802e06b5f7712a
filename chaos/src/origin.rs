//! The server behind a proxy or a cable: a fake in this runtime, or a real one.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::PathBuf;
use std::sync::mpsc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// On a port.
    Tcp(SocketAddr),
    /// On a socket of the file system.
    Unix(PathBuf),
}

/// A server.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Where it listens.
    pub address: Address,
    /// Another process, whose work takes real time.
    pub is_real: bool,
}

/// A connection that is read and written by tasks.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection for blocking code.
pub trait Blocking: Read + Write {}
impl<T: Read + Write> Blocking for T {}

/// Keeps the clock from jumping, until it is dropped.
#[derive(Debug)]
pub struct Held {
    _until: mpsc::Sender<()>,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl Address {
    /// As the command line has it: `HOST:PORT`, or the path of a socket.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.starts_with('/') {
            true => Ok(Self::Unix(text.into())),
            false => text.parse().map(Self::Tcp).map_err(|e| format!("{text}: {e}")),
        }
    }

    /// Connects, and blocks until then.
    pub fn connect_blocking(&self) -> io::Result<Box<dyn Blocking>> {
        Ok(match self {
            Self::Tcp(address) => Box::new(std::net::TcpStream::connect(address)?),
            Self::Unix(path) => Box::new(BlockingUnixStream::connect(path)?),
        })
    }
}

impl From<SocketAddr> for Origin {
    /// Of a fake.
    fn from(address: SocketAddr) -> Self {
        Self { address: Address::Tcp(address), is_real: false }
    }
}

impl Origin {
    /// A new connection.
    pub async fn connect(&self) -> io::Result<Box<dyn Duplex>> {
        Ok(match &self.address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }

    /// Holds the clock while a real server works. A paused clock jumps when all tasks wait, and it doesn't know that another
    /// process is at work; it stands still as long as a blocking task runs.
    pub fn hold(&self) -> Option<Held> {
        self.is_real.then(|| {
            let (until, ended) = mpsc::channel::<()>();
            tokio::task::spawn_blocking(move || _ = ended.recv());
            Held { _until: until }
        })
    }
}
