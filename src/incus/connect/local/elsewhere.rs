//! Systems without unix sockets.

use std::path::Path;

use reqwest::ClientBuilder;

use super::Socket;
use crate::config::{Surroundings, Tried};
use crate::error::{Error, ErrorKind};

/// Fails: a server of Incus needs Linux, and is reached over HTTPS from here.
pub(in crate::incus) fn find(_: &Surroundings, tried: Tried) -> Result<Socket, Error> {
    Err(tried.error("an Incus server").with(|e| {
        let switch = "this system runs no Incus server: run `incus remote switch NAME`";
        e.suggestion = Some(format!("{switch}, or use `Incus::remote` or `Incus::https`"));
    }))
}

/// Fails.
pub(in crate::incus) fn over_socket(_: ClientBuilder, socket: &Path) -> Result<ClientBuilder, Error> {
    let why = format!("{}: this system has no unix sockets", socket.display());
    Err(Error::new(ErrorKind::Configuration, why))
}
