//! Addresses that survive a stop: a loopback port, and a socket in a directory of its own.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::server::{Front, pause_after};
use super::tasks::{Tasks, lock};

/// A front and the doors to it.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) front: Arc<Front>,
    address: SocketAddr,
    directory: PathBuf,
    socket: PathBuf,
    listeners: Tasks,
    /// Bound but not listening: connects are refused, and nobody else gets the port.
    reserved: Mutex<Option<TcpSocket>>,
}

impl Doors {
    pub(crate) fn open(front: Arc<Front>) -> io::Result<Doors> {
        let tcp = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let directory = std::env::temp_dir().join(format!("windlass-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&directory)?;
        let doors = Doors {
            front,
            address: tcp.local_addr()?,
            socket: directory.join("unix.socket"),
            directory,
            listeners: Tasks::default(),
            reserved: Mutex::new(Some(tcp)),
        };
        doors.listen()?;
        Ok(doors)
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens again; nothing happens if it already does.
    pub(crate) fn listen(&self) -> io::Result<()> {
        if self.socket.exists() {
            return Ok(());
        }
        let reserved = lock(&self.reserved).take();
        let tcp = reserved.map_or_else(|| bind(self.address), Ok)?.listen(1024)?;
        let unix = UnixListener::bind(&self.socket)?;
        self.listeners.spawn(accept_tcp(self.front.clone(), tcp));
        self.listeners.spawn(accept_unix(self.front.clone(), unix));
        Ok(())
    }

    /// Closes the doors and cuts whoever is inside.
    pub(crate) async fn close(&self) {
        self.listeners.end().await;
        // Already gone when the server was stopped before.
        let _ = std::fs::remove_file(&self.socket);
        self.front.connections.end().await;
        let mut reserved = lock(&self.reserved);
        if reserved.is_none() {
            *reserved = bind(self.address).ok();
        }
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.listeners.abort();
        self.front.connections.abort();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept_tcp(front: Arc<Front>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small frames should not wait for each other; failing to ask is no harm.
                let _ = stream.set_nodelay(true);
                front.serve(stream);
            }
            Err(error) => pause_after(error).await,
        }
    }
}

async fn accept_unix(front: Arc<Front>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => front.serve(stream),
            Err(error) => pause_after(error).await,
        }
    }
}
