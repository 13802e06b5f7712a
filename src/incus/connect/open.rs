//! Makes a client of complete settings.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{ClientBuilder, Url};
use tokio::sync::Semaphore;

use super::target::Target;
use super::{address, local};
use crate::error::Error;
use crate::incus::client::{Core, POLLS};
use crate::incus::{Connect, Identity, Incus, reply};
use crate::place::Server;
use crate::raw;
use crate::transport::credential::Credential;
use crate::transport::tls::Trust;
use crate::transport::{Handle, Shared};
use crate::transport::{http_client, tls};

impl Connect {
    pub(in crate::incus) fn open(self) -> Result<Incus, Error> {
        let (builder, base, place) = self.builder()?;
        let server = self.server()?;
        let credential = self.bearer.map_or(Credential::None, Credential::fetched);
        let starting =
            Arc::new(Semaphore::new(self.http.limits.starting_commands.clamp(1, Semaphore::MAX_PERMITS)));
        let shared = Shared::new("incus", &place, reply::explain, credential, self.http.limits);
        let handle = Handle::new(http_client::build(builder)?, &base, shared, self.retry);
        let handle = match self.project {
            Some(project) => handle.scoped("project", project),
            None => handle,
        };
        Ok(Incus(Arc::new(Core {
            raw: raw::incus::Client { handle },
            origin: self.origin.unwrap_or(place),
            server,
            identity: self.identity,
            feeds: Arc::default(),
            polls: Arc::new(Semaphore::new(POLLS)),
            starting,
            patches_well: Arc::default(),
        })))
    }

    /// Where it leads to.
    #[cfg(test)]
    pub(in crate::incus) fn place(&self) -> String {
        match &self.target {
            Target::Unix(path) => path.display().to_string(),
            Target::Https(address) => address.clone(),
            other => format!("{other:?}"),
        }
    }

    /// The HTTP client, the start of all URLs, and where that is for people.
    fn builder(&self) -> Result<(ClientBuilder, String, String), Error> {
        match &self.target {
            Target::Unix(path) => {
                self.only_over_tls(self.bearer.is_some().then_some("bearer"))?;
                if self.http.checked_proxy()?.is_some() {
                    return Err(Error::invalid("proxy", "leads to no unix socket"));
                }
                let builder = http_client::builder(tls::none()?, &self.http)?.no_proxy();
                let builder = local::over_socket(builder, path)?;
                Ok((builder, "http://incus".to_owned(), path.display().to_string()))
            }
            Target::Http(url) => {
                self.only_over_tls(None)?;
                let url = address::plain(url)?;
                let (builder, base) = (http_client::builder_to(&url, tls::none()?, &self.http)?, base(&url));
                Ok((builder, base.clone(), base))
            }
            Target::Https(given) => {
                let url = address::remote(given)?;
                let login = self.identity.as_ref().map(Identity::login).transpose()?;
                let tls = tls::client(&self.trust()?, login)?;
                let builder = http_client::builder_to(&url, tls, &self.http)?.pool_idle_timeout(REMOTE_IDLE);
                let base = base(&url);
                Ok((builder, base.clone(), base))
            }
            Target::Invited | Target::Discovered | Target::Remote(_) => Err(not_known_yet()),
        }
    }

    /// Which server it is: by its certificate if that is pinned.
    fn server(&self) -> Result<Server, Error> {
        Ok(match &self.target {
            Target::Unix(path) => Server::behind(path),
            Target::Http(url) => Server::at(&address::plain(url)?),
            Target::Https(given) => {
                let server = Server::at(&address::remote(given)?);
                match self.trust()? {
                    Trust::Exactly(pinned) => server.known_by(pinned.to_string()),
                    Trust::System(_) | Trust::Authorities(_) => server,
                }
            }
            Target::Invited | Target::Discovered | Target::Remote(_) => return Err(not_known_yet()),
        })
    }

    /// What would be ignored without TLS is refused: the caller relies on it.
    fn only_over_tls(&self, also: Option<&str>) -> Result<(), Error> {
        let known_by = self.known_by.as_ref().map(|known_by| known_by.field());
        match known_by.or(self.identity.as_ref().map(|_| "identity")).or(also) {
            Some(field) => {
                Err(Error::invalid(field, "means nothing to a server that is not reached over TLS"))
            }
            None => Ok(()),
        }
    }

    pub(in crate::incus) fn trust(&self) -> Result<Trust, Error> {
        let extra = self.http.checked_authorities()?;
        match &self.known_by {
            None => Ok(Trust::System(extra)),
            Some(known_by) => Ok(match known_by.trust()? {
                Trust::Authorities(own) => Trust::Authorities([own, extra].concat()),
                other => other,
            }),
        }
    }
}

fn not_known_yet() -> Error {
    Error::invalid("address", "is not known yet")
}

fn base(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Incus closes a connection that was idle for 30 seconds. A request that meets the end of one is lost, perhaps after
/// it arrived: our own idle time is shorter.
const REMOTE_IDLE: Duration = Duration::from_secs(20);
