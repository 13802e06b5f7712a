//! Nothing besides loopback ports.

use std::io;
use std::sync::Arc;

use tokio::net::TcpSocket;

use crate::testing::server::front::Front;
use crate::testing::server::tasks::Tasks;

/// There is none.
#[derive(Debug)]
pub(crate) struct LocalDoor;

impl LocalDoor {
    pub(crate) fn reserve() -> io::Result<LocalDoor> {
        Ok(LocalDoor)
    }

    pub(crate) fn listen(&self, _: &Arc<Front>, _: &Tasks) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn close(&self) {}
}

/// Does nothing: on Windows a port is free with its last listener, and the option would let two listen at once.
pub(crate) fn take_over(_: &TcpSocket) -> io::Result<()> {
    Ok(())
}
