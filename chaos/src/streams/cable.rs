//! A cable between client and server: it carries bytes, knows nothing of HTTP, and does harm at one byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::harm::{Harm, Kind, Toward};
use super::secrets;
use crate::origin::Origin;
use crate::random::Random;

/// A cable with a loopback port of its own.
pub struct Cable {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
struct Shared {
    origin: Origin,
    state: Mutex<State>,
    /// Ends what is slow.
    healed: watch::Sender<bool>,
}

struct State {
    harm: Option<Harm>,
    /// The harm was done.
    done: bool,
    /// The clock was paused.
    paused: bool,
    /// The bytes so far: to the server, and to the client.
    carried: [usize; 2],
    open: usize,
    random: Random,
    secrets: Vec<String>,
}

/// Why bytes pass no longer.
enum End {
    Harmed(Kind),
    Gone,
}

impl Cable {
    /// Lays one to this server.
    pub async fn lay(origin: Origin, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = State {
            harm: None,
            done: false,
            paused: false,
            carried: [0; 2],
            open: 0,
            random: Random::new(seed),
            secrets: Vec::new(),
        };
        let shared = Shared { origin, state: Mutex::new(state), healed: watch::Sender::new(false) };
        let shared = Arc::new(shared);
        let accepting = tokio::spawn(accept(shared.clone(), listener));
        Ok(Self { address, shared, accepting })
    }

    /// Its end, for the client.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Counts from here, and does this harm.
    pub fn arm(&self, harm: Option<Harm>) {
        let mut state = self.shared.lock();
        (state.harm, state.done, state.carried) = (harm, false, [0; 2]);
    }

    /// From now on everything passes. What stalls remains so.
    pub fn heal(&self) {
        let mut state = self.shared.lock();
        state.harm = None;
        if std::mem::take(&mut state.paused) {
            tokio::time::resume();
        }
        drop(state);
        self.shared.healed.send_replace(true);
    }

    /// The bytes since it was armed: to the server, and to the client.
    pub fn carried(&self) -> [usize; 2] {
        self.shared.lock().carried
    }

    /// Whether the harm was done.
    pub fn has_harmed(&self) -> bool {
        self.shared.lock().done
    }

    /// How many clients are connected.
    pub fn open(&self) -> usize {
        self.shared.lock().open
    }

    /// The secrets that went by.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.lock().secrets.clone()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What happens to a connection as soon as it is made.
    fn at_once(&self) -> Option<Harm> {
        let state = self.lock();
        state.harm.filter(|harm| state.done && harm.always)
    }

    /// Counts bytes: how many of them pass unharmed, and what happens then.
    fn pass(&self, toward: Toward, bytes: &[u8]) -> (usize, Option<Kind>) {
        let mut state = self.lock();
        if toward == Toward::Server {
            secrets::gather(bytes, &mut state.secrets);
        }
        let carried = &mut state.carried[toward as usize];
        let before = *carried;
        *carried += bytes.len();
        match state.harm {
            Some(harm) if !state.done && harm.toward == toward && before + bytes.len() > harm.at => {
                state.done = true;
                // No real server is heard any more: what the client waits for now is only time.
                state.paused = harm.always && self.origin.is_real;
                if state.paused {
                    tokio::time::pause();
                }
                (harm.at - before, Some(harm.kind))
            }
            _ => (bytes.len(), None),
        }
    }

    fn garble(&self, bytes: &mut [u8]) {
        let random = &mut self.lock().random;
        bytes.iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]);
    }
}

/// Connections end with the task that accepts them.
async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    shared.lock().open += 1;
                    connections.spawn(connected(shared.clone(), client));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connected(shared: Arc<Shared>, client: TcpStream) {
    carry(&shared, client).await;
    shared.lock().open -= 1;
}

async fn carry(shared: &Shared, mut client: TcpStream) {
    let _ = client.set_nodelay(true);
    let at_once = shared.at_once();
    if let Some(kind @ (Kind::Cut | Kind::Reset | Kind::Stall)) = at_once.map(|harm| harm.kind) {
        return end(kind, client).await;
    }
    let Ok(server) = shared.origin.connect().await else { return };
    let from_start = |toward| at_once.filter(|harm| harm.toward == toward).map(|harm| harm.kind);
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let ended = tokio::try_join!(
        pump(shared, Toward::Server, &mut from_client, &mut to_server, from_start(Toward::Server)),
        pump(shared, Toward::Client, &mut from_server, &mut to_client, from_start(Toward::Client)),
    );
    if let Err(End::Harmed(kind)) = ended {
        end(kind, client).await;
    }
}

/// Ends a connection, or keeps it open until the client closes it.
async fn end(kind: Kind, mut client: TcpStream) {
    match kind {
        Kind::Reset => _ = client.set_zero_linger(),
        Kind::Stall => while matches!(client.read(&mut [0; 4_096]).await, Ok(1..)) {},
        _ => {
            // What is still unread would make a reset of it.
            let _ = client.shutdown().await;
            while matches!(client.try_read(&mut [0; 4_096]), Ok(1..)) {}
        }
    }
}

async fn pump(
    shared: &Shared,
    toward: Toward,
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut harmed: Option<Kind>,
) -> Result<(), End> {
    let mut buffer = vec![0; 16_384];
    loop {
        let read = from.read(&mut buffer).await.map_err(|_| End::Gone)?;
        let piece = &mut buffer[..read];
        if piece.is_empty() {
            return to.shutdown().await.map_err(|_| End::Gone);
        }
        let (whole, harm) = shared.pass(toward, piece);
        harmed = harmed.filter(|_| !*shared.healed.borrow());
        let whole = if harmed.is_some() { 0 } else { whole };
        to.write_all(&piece[..whole]).await.map_err(|_| End::Gone)?;
        harmed = harmed.or(harm);
        let rest = &mut piece[whole..];
        match harmed {
            None => {}
            Some(Kind::Slow) => slowly(shared, rest, to).await?,
            Some(Kind::Garbage) => {
                shared.garble(rest);
                to.write_all(rest).await.map_err(|_| End::Gone)?;
            }
            Some(kind) => return Err(End::Harmed(kind)),
        }
    }
}

/// A byte a second, until the cable is healed.
async fn slowly(shared: &Shared, bytes: &[u8], to: &mut (impl AsyncWrite + Unpin)) -> Result<(), End> {
    let mut healed = shared.healed.subscribe();
    for byte in bytes {
        to.write_all(&[*byte]).await.map_err(|_| End::Gone)?;
        let _ = tokio::time::timeout(Duration::from_secs(1), healed.wait_for(|healed| *healed)).await;
    }
    Ok(())
}
