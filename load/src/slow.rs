//! A door to a server that takes and gives bytes slowly.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;

/// In one piece, and the pause after it.
const PIECE: usize = 64 << 10;
const PAUSE: Duration = Duration::from_millis(1);

/// Listens in a private directory for as long as the runtime runs; returns the socket.
pub fn door_to(server: &Path) -> std::io::Result<PathBuf> {
    let directory = server.parent().unwrap_or(server);
    let socket = directory.join("slow");
    let (listener, server) = (UnixListener::bind(&socket)?, server.to_owned());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(join(client, server.clone()));
        }
    });
    Ok(socket)
}

async fn join(client: UnixStream, server: PathBuf) {
    let Ok(server) = UnixStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let _ = tokio::join!(crawl(from_client, to_server), crawl(from_server, to_client));
}

async fn crawl(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece).await? {
            0 => return to.shutdown().await,
            read => to.write_all(&piece[..read]).await?,
        }
        sleep(PAUSE).await;
    }
}
