//! Servers that a client must not be at the mercy of.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It is never answered.
    Silent,
    /// The head of the answer comes byte by byte, and has no end.
    Drip,
    /// The head comes at once, and a JSON body without end after it.
    Endless { status: u16 },
    /// The head comes at once, and the body byte by byte.
    SlowBody { status: u16 },
}

/// A door before a server. Requests for one path get no further.
pub struct Door {
    pub url: String,
    stopped: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Door {
    /// To the server at `upstream`; requests whose first line has `path` in it are treated so.
    pub async fn before(upstream: &str, path: &'static str, manner: Manner) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stopped, upstream) =
            (Arc::new(AtomicUsize::new(0)), upstream.trim_start_matches("http://").to_owned());
        let count = stopped.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, count) = (upstream.clone(), count.clone());
                // A client that goes away in the middle is of no interest.
                tokio::spawn(async move { pass(client, &upstream, path, manner, &count).await.ok() });
            }
        });
        Ok(Self { url, stopped, task })
    }

    /// To no server at all.
    pub async fn to_nowhere(manner: Manner) -> io::Result<Self> {
        Self::before("127.0.0.1:1", "", manner).await
    }

    /// How many requests got no further.
    pub fn stopped(&self) -> usize {
        self.stopped.load(Ordering::SeqCst)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request on each connection, so that each is looked at.
async fn pass(
    mut client: TcpStream,
    upstream: &str,
    path: &str,
    manner: Manner,
    stopped: &AtomicUsize,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut head = Vec::new();
    let end = loop {
        let read = client.read_buf(&mut head).await?;
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if read == 0 {
            return Ok(());
        }
    };
    let text = String::from_utf8_lossy(&head[..end]).into_owned();
    if text.lines().next().unwrap_or_default().contains(path) {
        stopped.fetch_add(1, Ordering::SeqCst);
        return mistreat(client, manner).await;
    }
    let mut server = TcpStream::connect(upstream).await?;
    server.set_nodelay(true)?;
    server.write_all(&head[..end]).await?;
    if !text.to_ascii_lowercase().contains("\r\nupgrade:") {
        server.write_all(b"\r\nConnection: close").await?;
    }
    server.write_all(&head[end..]).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn mistreat(mut client: TcpStream, manner: Manner) -> io::Result<()> {
    let head = |status: u16, length: &str| {
        format!("HTTP/1.1 {status} So\r\nContent-Type: application/json\r\n{length}\r\n")
    };
    match manner {
        Manner::Silent => {
            // Until it is given up.
            while client.read(&mut [0; 1024]).await? > 0 {}
            Ok(())
        }
        Manner::Drip => {
            client.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ").await?;
            loop {
                client.write_all(b"a").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Manner::Endless { status } => {
            client.write_all(head(status, "").as_bytes()).await?;
            client.write_all(b"{\"message\": \"").await?;
            loop {
                client.write_all(&[b'a'; 64 << 10]).await?;
            }
        }
        Manner::SlowBody { status } => {
            client.write_all(head(status, "Content-Length: 1000000\r\n").as_bytes()).await?;
            loop {
                client.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}
