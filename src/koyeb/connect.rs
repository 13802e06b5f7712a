//! How to reach the service, and as whom.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::organization::Switch;
use super::{Core, Koyeb, reply, subprotocol};
use crate::error::{Error, ErrorKind};
use crate::place::{self, Place, Server};
use crate::raw;
use crate::secret::Secret;
use crate::transport::credential::{Credential, bearer};
use crate::transport::limits::Limits;
use crate::transport::retry::Retry;
use crate::transport::{Handle, Shared, checked};
use crate::transport::{http_client, tls};

/// Where the service is if nobody says otherwise.
const URL: &str = "https://app.koyeb.com";

/// A way to the service; made by [`Koyeb::token`].
#[derive(Clone)]
#[must_use = "nothing happens before `.client()` or `.connect().await`"]
pub struct Connect {
    token: Secret,
    url: String,
    organization: Option<String>,
    headers: Vec<(String, Secret)>,
    retry: Retry,
    limits: Limits,
    proxy: Option<Secret>,
    origin: String,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Connect")
            .field("url", &self.url)
            .field("organization", &self.organization)
            .field("headers", &headers)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Koyeb {
    /// A way to the service with a token of a user or an organization.
    ///
    /// ```no_run
    /// # use windlass::koyeb::Koyeb;
    /// # async fn demo(token: windlass::Secret) -> windlass::Result<()> {
    /// let koyeb = Koyeb::token(token).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn token(token: impl Into<Secret>) -> Connect {
        Connect {
            token: token.into(),
            url: URL.to_owned(),
            organization: None,
            headers: Vec::new(),
            // A limit that is reached is lifted within a minute: one pause can be that long.
            retry: Retry::default().backoff(Duration::from_millis(100), Duration::from_secs(60)),
            limits: Limits::default(),
            proxy: None,
            origin: "a token that was given".to_owned(),
        }
    }
}

impl Connect {
    /// Another place than `https://app.koyeb.com`. Without TLS only this machine itself.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Works in this organization of the user, by its id: the user's token is exchanged for one of the organization.
    ///
    /// Commands and logs of users with several organizations work only so.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organization = Some(id.into());
        self
    }

    /// Sends this header with every request, as `x-koyeb-project-id`. The value is never printed.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How failed requests are repeated.
    ///
    /// If not set: as [`Retry::default`], but with pauses of up to a minute where the service asks for them.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Goes through this proxy, whatever the environment says; `http://` or `https://`, with a password if need be.
    ///
    /// What goes over plain HTTP, credentials and all, the proxy can read. If not set, HTTPS goes through the proxy that
    /// `HTTPS_PROXY` or `ALL_PROXY` names; plain HTTP and this machine itself are never reached through one.
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// How long an answer may be in coming, how large it may be, and how many requests are on their way at once.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn found_by(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// A client, without asking the service anything.
    ///
    /// An error of [`ErrorKind::Configuration`] for a token that can't be one, of [`ErrorKind::InvalidInput`] for a URL without
    /// TLS to another machine, a header that is the client's own, or an organization whose id can't be one.
    pub fn client(self) -> Result<Koyeb, Error> {
        let url = checked_url(&self.url)?;
        let place = self.place()?;
        let http = http_client::build(self.http(&url)?)?;
        let credential = self.credential(&http, &url)?;
        let shared = Shared::new("koyeb", &url, reply::explain, credential, self.limits)
            .upgraded_with(subprotocol::put_on);
        let raw = raw::koyeb::Client { handle: Handle::new(http, &url, shared, self.retry) };
        Ok(Koyeb(Arc::new(Core { raw, origin: self.origin, place })))
    }

    /// A client whose token the service has accepted.
    pub async fn connect(self) -> Result<Koyeb, Error> {
        let koyeb = self.client()?;
        koyeb.instances().page_size(1).list().next_page().await.map_err(Error::while_connecting)?;
        Ok(koyeb)
    }

    fn place(&self) -> Result<Place, Error> {
        let scope = match &self.organization {
            Some(id) => format!("organization:{id}"),
            None => place::account("koyeb", self.token.expose()),
        };
        Ok(Place { api: "koyeb", server: Server::at(&http_client::base_url(&self.url)?), scope })
    }

    fn http(&self, url: &str) -> Result<reqwest::ClientBuilder, Error> {
        let parsed = http_client::base_url(url)?;
        let tls = if parsed.scheme() == "https" { tls::public()? } else { tls::nobody()? };
        let builder = http_client::builder_to(&parsed, tls, self.proxy.as_ref())?;
        Ok(builder.default_headers(self.default_headers()?))
    }

    fn default_headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let (name, value) = header(name, value)?;
            headers.append(name, value);
        }
        Ok(headers)
    }

    fn credential(&self, http: &reqwest::Client, url: &str) -> Result<Credential, Error> {
        if !subprotocol::can_carry(self.token.expose()) {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the token is empty or holds what no token can hold",
            ));
        }
        let own = Credential::Fixed(bearer(&self.token)?);
        let Some(id) = &self.organization else { return Ok(own) };
        let id = checked("organization", id)?.to_owned();
        Ok(Credential::fetched(Switch::new(http, url, own, id, self.limits.clone())))
    }
}

/// What would make requests something else than they are.
const OWN: [&str; 7] =
    ["authorization", "connection", "content-length", "content-type", "host", "transfer-encoding", "upgrade"];

fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), Error> {
    let parsed = HeaderName::try_from(name).map_err(|e| Error::invalid("header", e))?;
    if OWN.contains(&parsed.as_str()) || parsed.as_str().starts_with("sec-websocket") {
        return Err(Error::invalid("header", format!("{parsed} is set by the client itself")));
    }
    let mut value = HeaderValue::try_from(value.expose())
        .map_err(|_| Error::invalid("header", format!("{parsed} can't have such a value")))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

fn checked_url(url: &str) -> Result<String, Error> {
    let parsed = http_client::base_url(url)?;
    if parsed.scheme() != "https" && !crate::place::is_loopback(&parsed) {
        return Err(Error::invalid("url", "without TLS the token could be read on its way: use https://"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(connect: Connect) -> Result<(), ErrorKind> {
        connect.client().map(|_| ()).map_err(|e| e.kind())
    }

    #[test]
    fn plain_http_only_to_this_machine() {
        let to = |url: &str| kind(Koyeb::token("t").url(url));
        for good in
            ["http://127.0.0.1:80", "http://localhost:1/", "http://[::1]:8443", "https://app.koyeb.com"]
        {
            assert_eq!(to(good), Ok(()), "{good}");
        }
        for bad in ["http://app.koyeb.com", "http://localhost.evil.com", "https://me:pass@a", "koyeb", ""] {
            assert_eq!(to(bad), Err(ErrorKind::InvalidInput), "{bad}");
        }
    }

    #[test]
    fn tokens_that_cannot_be() {
        for bad in ["", "two words", "a,b", "a\nb", "ü"] {
            assert_eq!(kind(Koyeb::token(bad)), Err(ErrorKind::Configuration), "{bad:?}");
        }
    }

    #[test]
    fn headers_of_the_client_itself_are_not_for_others() {
        let with = |name: &str, value: &str| kind(Koyeb::token("t").header(name, value));
        assert_eq!(with("x-koyeb-project-id", "p1"), Ok(()));
        for (name, value) in
            [("Authorization", "x"), ("Sec-WebSocket-Protocol", "x"), ("a b", "x"), ("", "x"), ("x", "a\nb")]
        {
            assert_eq!(with(name, value), Err(ErrorKind::InvalidInput), "{name:?}");
        }
    }

    #[test]
    fn organizations_that_lead_elsewhere_are_refused() {
        assert_eq!(kind(Koyeb::token("t").organization("..")), Err(ErrorKind::InvalidInput));
        assert_eq!(kind(Koyeb::token("t").organization("")), Err(ErrorKind::InvalidInput));
    }

    #[test]
    fn no_secret_is_printed() {
        let connect = Koyeb::token("hunter2").header("x-a", "hunter3");
        let shown = format!("{connect:?} {:?}", connect.clone().client());
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
