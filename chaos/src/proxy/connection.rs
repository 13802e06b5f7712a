//! A connection of a client: one request after the other.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;
use super::play::{Then, play};
use crate::fault::Fault;
use crate::origin::Duplex;
use crate::wire;

/// Counts a connection while it is open.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.lock().open += 1;
        Self(shared.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().open -= 1;
    }
}

pub(super) async fn serve(shared: Arc<Shared>, mut client: TcpStream) {
    let _open = Open::new(&shared);
    let _ = client.set_nodelay(true);
    if shared.has(&Fault::ResetAtOnce) {
        shared.begin();
        return reset(client);
    }
    let mut closing = shared.closing.subscribe();
    let mut used = false;
    loop {
        let mut first = Vec::new();
        tokio::select! {
            biased;
            _ = closing.changed() => return,
            read = client.read_buf(&mut first) => if !matches!(read, Ok(1..)) { return },
        }
        let number = shared.begin();
        if used && shared.has(&Fault::IdleReset) {
            return reset(client);
        }
        let Some(request) = wire::request(&mut client, first).await else { return };
        let fault = shared.arrive(number, &request);
        match play(&shared, number, &request, &fault, &mut client).await {
            Then::Next => used = true,
            Then::Close => return,
            Then::Reset => return reset(client),
            Then::Join(server) => return join(client, server).await,
        }
        closing.mark_unchanged();
    }
}

/// Bytes in both directions, until the client closes the connection. The server may keep its end.
async fn join(mut client: TcpStream, server: Box<dyn Duplex>) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let down = async {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = down => {}
    }
}

fn reset(client: TcpStream) {
    let _ = client.set_zero_linger();
}
