//! Addresses that stay the same after a restart: loopback ports, with and without TLS, and what else this system has
//! for local clients.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpSocket};

use super::front::{Front, pause_after};
use super::local::{self, LocalDoor};
use super::tasks::{Tasks, lock};
use super::tls::Tls;

/// A front and the doors to it.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) front: Arc<Front>,
    plain: Port,
    secure: Option<(Port, Arc<Tls>)>,
    pub(crate) local: LocalDoor,
    open: AtomicBool,
    listeners: Tasks,
}

impl Doors {
    pub(crate) fn open(front: Arc<Front>) -> io::Result<Doors> {
        Doors::build(front, None)
    }

    /// With one more port, for TLS.
    pub(crate) fn open_with_tls(front: Arc<Front>, tls: Arc<Tls>) -> io::Result<Doors> {
        Doors::build(front, Some((Port::reserve()?, tls)))
    }

    fn build(front: Arc<Front>, secure: Option<(Port, Arc<Tls>)>) -> io::Result<Doors> {
        let plain = Port::reserve()?;
        let (local, open) = (LocalDoor::reserve()?, AtomicBool::new(false));
        let doors = Doors { front, plain, secure, local, open, listeners: Tasks::default() };
        doors.listen()?;
        Ok(doors)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.plain.address)
    }

    /// Host and port of the door with TLS.
    pub(crate) fn secure_address(&self) -> Option<SocketAddr> {
        self.secure.as_ref().map(|(port, _)| port.address)
    }

    /// Listens again. Does nothing if it already listens.
    pub(crate) fn listen(&self) -> io::Result<()> {
        if self.open.load(Ordering::SeqCst) {
            return Ok(());
        }
        let plain = self.plain.listen()?;
        self.listeners.spawn(accept_tcp(self.front.clone(), plain, None));
        if let Some((port, tls)) = &self.secure {
            self.listeners.spawn(accept_tcp(self.front.clone(), port.listen()?, Some(tls.clone())));
        }
        self.local.listen(&self.front, &self.listeners)?;
        self.open.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Closes the doors, and cuts all connections.
    pub(crate) async fn close(&self) {
        self.listeners.end().await;
        self.open.store(false, Ordering::SeqCst);
        self.local.close();
        self.front.connections.end().await;
        let secure = self.secure.iter().map(|(port, _)| port);
        secure.chain([&self.plain]).for_each(Port::keep);
    }
}

/// A port that stays reserved while nothing listens on it.
#[derive(Debug)]
struct Port {
    address: SocketAddr,
    /// Bound but not listening: connects are refused.
    reserved: Mutex<Option<TcpSocket>>,
}

impl Port {
    fn reserve() -> io::Result<Port> {
        let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Port { address: socket.local_addr()?, reserved: Mutex::new(Some(socket)) })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        let reserved = lock(&self.reserved).take();
        reserved.map_or_else(|| bind(self.address), Ok)?.listen(1024)
    }

    fn keep(&self) {
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
        if !std::thread::panicking() {
            self.front.verify();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    local::take_over(&socket)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept_tcp(front: Arc<Front>, listener: TcpListener, tls: Option<Arc<Tls>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small frames should not wait for each other. It does no harm if this fails.
                let _ = stream.set_nodelay(true);
                match &tls {
                    Some(tls) => front.serve_tls(stream, tls.clone()),
                    None => front.serve(stream),
                }
            }
            Err(error) => pause_after(error).await,
        }
    }
}
