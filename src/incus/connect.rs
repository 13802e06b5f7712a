//! How to reach a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::work::POLLS;
use super::{Core, Incus, reply};
use crate::credential::Credential;
use crate::error::Error;
use crate::retry::Retry;
use crate::transport::{Inner, Shared};
use crate::{http, raw, tls};

/// A server to connect to; made by [`Incus::unix`] or [`Incus::http`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `.client()` or `.connect().await`"]
pub struct Connect {
    target: Target,
    project: Option<String>,
    retry: Retry,
    origin: Option<String>,
}

#[derive(Debug, Clone)]
enum Target {
    Unix(PathBuf),
    Http(String),
}

impl Incus {
    /// A server on this machine, by the path of its unix socket.
    ///
    /// ```no_run
    /// # use windlass::incus::Incus;
    /// # async fn demo() -> windlass::Result<()> {
    /// let incus = Incus::unix("/var/lib/incus/unix.socket").connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn unix(socket: impl AsRef<Path>) -> Connect {
        Connect::to(Target::Unix(socket.as_ref().to_owned()))
    }

    /// A server behind plain HTTP on this machine: a fake one, or the end of a tunnel.
    ///
    /// An address other than loopback is refused: nothing would keep others from listening in.
    pub fn http(url: impl Into<String>) -> Connect {
        Connect::to(Target::Http(url.into()))
    }
}

impl Connect {
    fn to(target: Target) -> Self {
        Self { target, project: None, retry: Retry::default(), origin: None }
    }

    /// Work in this project instead of `default`.
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.project = Some(name.into());
        self
    }

    /// How failed requests are repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    pub(super) fn found_by(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// A client, without asking the server anything.
    pub fn client(self) -> Result<Incus, Error> {
        let (http, base, place) = self.target.open()?;
        let shared = Shared::new("incus", raw::incus::ENDPOINTS, reply::explain, Credential::None);
        let raw = raw::incus::Client::new_with_client(&base, http, Inner::new(shared, self.retry));
        Ok(Incus(Arc::new(Core {
            raw,
            project: self.project,
            target: None,
            origin: self.origin.unwrap_or(place),
            feeds: Arc::default(),
            polls: Arc::new(Semaphore::new(POLLS)),
        })))
    }

    /// A client of a server that has answered and trusts the caller.
    pub async fn connect(self) -> Result<Incus, Error> {
        let incus = self.client()?;
        incus.server().await?.trusted()?;
        Ok(incus)
    }
}

/// Incus up to 6.0.4 reads from a new connection before it accepts the next one, so a connection that is opened ahead
/// and kept silent shuts everybody out. HTTP pools open such ones when a request gets a freed connection first. On a
/// unix socket a new connection costs next to nothing: idle ones are closed soon.
const UNIX_IDLE: Duration = Duration::from_millis(100);

impl Target {
    fn open(&self) -> Result<(reqwest::Client, String, String), Error> {
        let builder = http::builder(tls::nobody()?).no_proxy();
        let (builder, base, place) = match self {
            Self::Unix(path) => {
                let builder = builder.unix_socket(path.as_path()).pool_idle_timeout(UNIX_IDLE);
                (builder, "http://incus".to_owned(), path.display().to_string())
            }
            Self::Http(url) => {
                let url = checked(url)?;
                (builder, url.clone(), url)
            }
        };
        Ok((http::build(builder)?, base, place))
    }
}

fn checked(url: &str) -> Result<String, Error> {
    let parsed = http::base_url(url)?;
    if parsed.scheme() != "http" || !http::is_loopback(&parsed) {
        return Err(Error::invalid("url", "only http:// to this machine itself is safe without TLS"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn plain_http_only_to_this_machine() {
        for good in ["http://127.0.0.1:80", "http://localhost:1/", "http://[::1]:8443"] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1:8443",
            "https://127.0.0.1",
            "http://localhost.evil.com",
            "http://me:pass@127.0.0.1",
            "incus",
            "",
        ] {
            assert_eq!(checked(bad).map_err(|e| e.kind()), Err(Kind::InvalidInput), "{bad}");
        }
    }
}
