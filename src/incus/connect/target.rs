//! Where a server is, and how it is recognized.

use std::path::PathBuf;

use crate::error::Error;
use crate::transport::tls::{self, Fingerprint, Trust};

/// Where the server is.
#[derive(Debug, Clone)]
pub(in crate::incus) enum Target {
    Unix(PathBuf),
    Http(String),
    Https(String),
    /// One of the addresses in the trust token.
    Invited,
    /// The remote that the `incus` command would use.
    Discovered,
    /// By its name in the configuration of the `incus` command.
    Remote(String),
}

/// How a remote server is recognized, as the caller gave it.
#[derive(Debug, Clone)]
pub(in crate::incus) enum KnownBy {
    Fingerprint(String),
    Certificate(String),
    Authority(String),
}

impl KnownBy {
    /// The setter's name.
    pub(in crate::incus) fn field(&self) -> &'static str {
        match self {
            Self::Fingerprint(_) => "fingerprint",
            Self::Certificate(_) => "server_certificate",
            Self::Authority(_) => "authority",
        }
    }

    pub(in crate::incus) fn trust(&self) -> Result<Trust, Error> {
        Ok(match self {
            Self::Fingerprint(sha256) => Trust::Exactly(sha256.parse()?),
            Self::Certificate(pem) => {
                let all = tls::certificates("server_certificate", pem.as_bytes())?;
                // The server's own stands first.
                all.first().map_or(Trust::Authorities(Vec::new()), |own| Trust::Exactly(Fingerprint::of(own)))
            }
            Self::Authority(pem) => Trust::Authorities(tls::authorities("authority", pem.as_bytes())?),
        })
    }
}
