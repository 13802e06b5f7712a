//! A tap between a client and its server that counts the connections on which something is waited for.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};

/// Listens on a socket of its own and passes everything on.
pub struct Tap {
    socket: PathBuf,
    counts: Arc<Counts>,
    listener: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    peak: AtomicUsize,
    paths: Mutex<Vec<String>>,
}

impl Tap {
    /// `origin`: where the server is, a unix socket or an `http://` address.
    pub async fn before(origin: &str) -> std::io::Result<Self> {
        let socket = std::env::temp_dir().join(format!("windlass-tap-{:016x}", rand_name()));
        let (listener, counts) = (UnixListener::bind(&socket)?, Arc::new(Counts::default()));
        let (origin, count) = (origin.to_owned(), counts.clone());
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, origin.clone(), count.clone()));
            }
        });
        Ok(Self { socket, counts, listener })
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The most connections that were waited on at the same time: long polls, and events.
    pub fn waiting_peak(&self) -> usize {
        self.counts.peak.load(Ordering::SeqCst)
    }

    #[allow(dead_code)] // not every suite asks
    pub fn requests(&self, path: &str) -> usize {
        self.counts.paths.lock().unwrap().iter().filter(|seen| *seen == path).count()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.listener.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn rand_name() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// While it lives, something is waited for.
struct Waiting(Arc<Counts>);

impl Waiting {
    fn begin(counts: &Arc<Counts>) -> Self {
        let now = counts.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        counts.peak.fetch_max(now, Ordering::SeqCst);
        Self(counts.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn pass(client: UnixStream, origin: String, counts: Arc<Counts>) {
    match origin.strip_prefix("http://") {
        Some(address) => {
            if let Ok(server) = TcpStream::connect(address).await {
                both_ways(client, server, counts).await;
            }
        }
        None => {
            if let Ok(server) = UnixStream::connect(&origin).await {
                both_ways(client, server, counts).await;
            }
        }
    }
}

/// Until the server's side ends. A client that can't be heard any more may still have something to read.
async fn both_ways(client: UnixStream, server: impl AsyncRead + AsyncWrite, counts: Arc<Counts>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let waiting: Mutex<Option<(Waiting, String)>> = Mutex::default();
    let asking = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            // A request follows the answer to the one before it; its head comes in one piece.
            if let Some(path) = path(&buffer[..read]) {
                counts.paths.lock().unwrap().push(path.to_owned());
                let wait = is_wait(path).then(|| (Waiting::begin(&counts), path.to_owned()));
                *waiting.lock().unwrap() = wait;
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = to_server.shutdown().await;
        std::future::pending::<()>().await;
    };
    let answering = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            // The head of the answer to a long poll comes at once; the wait is over when the body does.
            let answered =
                |(_, path): &mut (Waiting, String)| path != "/1.0/events" && buffer[..read].contains(&b'{');
            drop(waiting.lock().unwrap().take_if(answered));
            if to_client.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = asking => {}, () = answering => {} }
}

fn is_wait(path: &str) -> bool {
    path.ends_with("/wait") || path == "/1.0/events"
}

/// The path of `GET /1.0/events?type=operation HTTP/1.1`.
fn path(request: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(request.split(|byte| *byte == b'\r').next()?).ok()?;
    let mut words = line.split(' ');
    let (_method, target, version) = (words.next()?, words.next()?, words.next()?);
    version.starts_with("HTTP/1.").then(|| target.split('?').next().unwrap_or(target))
}
