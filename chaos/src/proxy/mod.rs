//! A proxy between client and server that has a fault, and writes down what it sees.

mod connection;
mod log;
mod play;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use log::{Exchange, Told};

use crate::api::Api;
use crate::fault::Fault;
use crate::origin::Origin;
use crate::random::Random;

/// Time for the client to notice what happened to a connection.
pub const MOMENT: Duration = Duration::from_millis(5);

/// A proxy on a loopback port of its own.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
    /// Keeps the port while nothing listens.
    reserved: Option<TcpSocket>,
}

/// What all connections share.
struct Shared {
    origin: Origin,
    api: Api,
    state: Mutex<State>,
    /// Closes idle connections.
    closing: watch::Sender<u32>,
}

struct State {
    fault: Fault,
    /// How many more times.
    left: usize,
    /// The path that has no faults.
    spared: &'static str,
    random: Random,
    exchanges: Vec<Exchange>,
    open: usize,
    /// Requests that the server hasn't answered yet.
    asking: usize,
    /// The credentials that went by.
    credentials: Vec<String>,
}

impl Proxy {
    /// Starts one before this server.
    pub fn start(api: Api, origin: Origin, seed: u64) -> std::io::Result<Self> {
        let state = State {
            fault: Fault::None,
            left: 0,
            spared: "",
            random: Random::new(seed),
            exchanges: Vec::new(),
            open: 0,
            asking: 0,
            credentials: Vec::new(),
        };
        let shared = Shared { origin, api, state: Mutex::new(state), closing: watch::Sender::new(0) };
        let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let mut proxy =
            Self { address: socket.local_addr()?, shared: Arc::new(shared), accepting: None, reserved: None };
        proxy.listen(socket)?;
        Ok(proxy)
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on has this fault, for so many requests. Forgets what it has seen.
    pub async fn arm(&mut self, fault: &Fault, times: usize, spared: &'static str) -> std::io::Result<()> {
        if !fault.needs_idle_connection() {
            self.close_idle();
            tokio::time::sleep(MOMENT).await;
        }
        self.shared.lock().arm(fault, times, spared);
        match fault {
            Fault::IdleClosed => self.close_idle(),
            Fault::Refused => self.refuse(times).await?,
            _ => {}
        }
        Ok(())
    }

    /// No fault any more.
    pub async fn disarm(&mut self) -> std::io::Result<()> {
        self.shared.lock().fault = Fault::None;
        if let Some(socket) = self.reserved.take() {
            self.listen(socket)?;
        }
        tokio::time::sleep(MOMENT).await;
        Ok(())
    }

    /// What it has seen since it was armed.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().exchanges.clone()
    }

    /// The credentials that it has seen.
    pub fn credentials(&self) -> Vec<String> {
        self.shared.lock().credentials.clone()
    }

    /// Returns when a real server has answered all that it was asked, even if the client is gone.
    pub async fn rest(&self) {
        if !self.shared.origin.is_real {
            return;
        }
        loop {
            // It doesn't end before the answer: the clock is held.
            tokio::time::sleep(MOMENT).await;
            if self.shared.lock().asking == 0 {
                return;
            }
        }
    }

    /// How many clients are connected.
    pub fn open(&self) -> usize {
        self.shared.lock().open
    }

    fn close_idle(&self) {
        self.shared.closing.send_modify(|times| *times += 1);
    }

    /// Refuses connections; if only for a time or two, then for a moment.
    async fn refuse(&mut self, times: usize) -> std::io::Result<()> {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _ = accepting.await;
        }
        let (address, shared) = (self.address, self.shared.clone());
        if times == usize::MAX {
            self.reserved = Some(bind(address)?);
            return Ok(());
        }
        self.accepting = Some(tokio::spawn(async move {
            tokio::time::sleep(MOMENT).await;
            let listener = bind(address).and_then(|socket| socket.listen(64));
            accept(shared, listener.expect("the port is still ours")).await;
        }));
        Ok(())
    }

    fn listen(&mut self, socket: TcpSocket) -> std::io::Result<()> {
        self.accepting = Some(tokio::spawn(accept(self.shared.clone(), socket.listen(64)?)));
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

impl State {
    fn arm(&mut self, fault: &Fault, times: usize, spared: &'static str) {
        (self.fault, self.left, self.spared) = (fault.clone(), times, spared);
        self.exchanges.clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Connections end with the task that accepts them.
async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => _ = connections.spawn(connection::serve(shared.clone(), client)),
                // Without file descriptors, for example.
                Err(_) => tokio::time::sleep(MOMENT).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
