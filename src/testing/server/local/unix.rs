//! A unix socket in a private directory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpSocket, UnixListener};

use crate::testing::server::front::{Front, pause_after};
use crate::testing::server::tasks::Tasks;

/// The socket. Its directory is removed on drop.
#[derive(Debug)]
pub(crate) struct LocalDoor {
    directory: PathBuf,
    socket: PathBuf,
}

impl LocalDoor {
    pub(crate) fn reserve() -> io::Result<LocalDoor> {
        let directory = std::env::temp_dir().join(format!("windlass-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&directory)?;
        let socket = directory.join("unix.socket");
        Ok(LocalDoor { directory, socket })
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn listen(&self, front: &Arc<Front>, listeners: &Tasks) -> io::Result<()> {
        listeners.spawn(accept(front.clone(), UnixListener::bind(&self.socket)?));
        Ok(())
    }

    pub(crate) fn close(&self) {
        // It doesn't exist if the server was stopped before.
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Drop for LocalDoor {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn accept(front: Arc<Front>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => front.serve(stream),
            Err(error) => pause_after(error).await,
        }
    }
}

/// Lets a port be bound while connections of its last listener linger.
pub(crate) fn take_over(socket: &TcpSocket) -> io::Result<()> {
    socket.set_reuseaddr(true)
}
