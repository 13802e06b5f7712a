//! How to reach the service, and as whom.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::client::{Core, Koyeb};
use super::organization_token::Switch;
use super::{discover, reply, subprotocol};
use crate::config::{self, Surroundings};
use crate::error::{Error, ErrorKind};
use crate::place::{self, Place, Server};
use crate::raw;
use crate::secret::Secret;
use crate::transport::credential::{Credential, bearer};
use crate::transport::http::Http;
use crate::transport::http_client;
use crate::transport::retry::Retry;
use crate::transport::{Handle, Shared, checked};
use crate::wait::into_future;

/// The default address of the service.
const URL: &str = "https://app.koyeb.com";

/// How to reach the service; from [`Koyeb::token`] or [`Koyeb::discover`].
///
/// `.await` it for a client whose token the service has accepted, or take the [`client`](Self::client) without asking.
#[derive(Clone)]
#[must_use = "nothing is sent before `.await`, and nothing read before that or `.client()`"]
pub struct Connect {
    token: Token,
    url: Option<String>,
    organization: Option<String>,
    retry: Retry,
    http: Http,
}

#[derive(Clone)]
enum Token {
    Given(Secret),
    ToBeFound(Surroundings),
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("url", &self.url)
            .field("organization", &self.organization)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

impl Koyeb {
    /// The service with a token of a user or an organization.
    ///
    /// ```no_run
    /// # use windlass::koyeb::Koyeb;
    /// # async fn demo(token: windlass::Secret) -> windlass::Result<()> {
    /// let koyeb = Koyeb::token(token).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Connect::client`]; [`Unauthenticated`](ErrorKind::Unauthenticated) if the service doesn't accept the
    /// token, [`NotFound`](ErrorKind::NotFound) if there is no such organization, and those of
    /// [every request](Koyeb#errors).
    pub fn token(token: impl Into<Secret>) -> Connect {
        Connect::new(Token::Given(token.into()))
    }

    /// The service with the token that the vendor's tools use.
    ///
    /// Variables go before the file of the `koyeb` command, each setting by itself:
    ///
    /// | setting | variables | in the file |
    /// | --- | --- | --- |
    /// | token | `KOYEB_TOKEN`, `KOYEB_API_TOKEN` | `token` |
    /// | place | `KOYEB_URL`, `KOYEB_API_HOST` | `url` |
    /// | organization | `KOYEB_ORGANIZATION` | `organization` |
    ///
    /// The file is `~/.koyeb.yaml`, or the one in `KOYEB_CONFIG`. What is set by hand goes before all of them.
    ///
    /// ```no_run
    /// # use windlass::koyeb::Koyeb;
    /// # async fn demo() -> windlass::Result<()> {
    /// let koyeb = Koyeb::discover().organization("0b5c").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) with all places that were tried if there is no token, or if the file
    /// can't be read; and those of [`token`](Self::token).
    pub fn discover() -> Connect {
        Connect::new(Token::ToBeFound(Surroundings::real()))
    }
}

impl Connect {
    fn new(token: Token) -> Self {
        Self {
            token,
            url: None,
            organization: None,
            // A limit that is reached is lifted within a minute: one pause can be that long.
            retry: Retry::default().backoff(Duration::from_millis(100), Duration::from_secs(60)),
            http: Http::default(),
        }
    }

    /// Another address than `https://app.koyeb.com`. Plain HTTP is accepted only for this machine itself.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Works in this organization of the user, by its id: the user's token is exchanged for one of the organization.
    ///
    /// Users with several organizations need this for commands and logs.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organization = Some(id.into());
        self
    }

    /// How failed requests are repeated. The default is [`Retry::default`] with pauses of up to a minute, if the service
    /// asks for them.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The HTTP settings: proxy, headers, user agent, certificate authorities, limits.
    pub fn http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    /// A client, without asking the service. After [`Koyeb::discover`] this reads the file with the token, which blocks
    /// for a moment.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if no token is found or it can't be one,
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the address, the organization's id or an HTTP setting can't be right.
    pub fn client(mut self) -> Result<Koyeb, Error> {
        let (token, origin) = self.found()?;
        let url = checked_url(self.url.as_deref().unwrap_or(URL))?;
        let place = self.place(&url, &token)?;
        let to = http_client::base_url(&url)?;
        let http = http_client::build(http_client::builder_to_service(&to, &self.http)?)?;
        let credential = self.credential(&http, &url, &token)?;
        let shared = Shared::new("koyeb", &url, reply::explain, credential, self.http.limits)
            .upgraded_with(subprotocol::put_on);
        let raw = raw::koyeb::Client { handle: Handle::new(http, &url, shared, self.retry) };
        Ok(Koyeb(Arc::new(Core { raw, origin, place })))
    }

    /// The token and where it comes from. What was set by hand stays.
    fn found(&mut self) -> Result<(Secret, String), Error> {
        match &self.token {
            Token::Given(token) => Ok((token.clone(), "a token that was given".to_owned())),
            Token::ToBeFound(surroundings) => {
                let found = discover::find(surroundings)?;
                self.url = self.url.take().or(found.url);
                self.organization = self.organization.take().or(found.organization);
                Ok((found.token, found.origin))
            }
        }
    }

    async fn connect(self) -> Result<Koyeb, Error> {
        let koyeb = config::aside(|| self.client()).await?;
        let one = koyeb.raw().list_instances().limit("1").offset("0");
        one.send().await.map_err(Error::while_connecting)?;
        Ok(koyeb)
    }

    fn place(&self, url: &str, token: &Secret) -> Result<Place, Error> {
        let scope = match &self.organization {
            Some(id) => format!("organization:{id}"),
            None => place::account("koyeb", token.expose()),
        };
        Ok(Place { api: "koyeb", server: Server::at(&http_client::base_url(url)?), scope })
    }

    fn credential(&self, http: &reqwest::Client, url: &str, token: &Secret) -> Result<Credential, Error> {
        if !subprotocol::can_carry(token.expose()) {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the token is empty or holds what no token can hold",
            ));
        }
        let own = Credential::Fixed(bearer(token)?);
        let Some(id) = &self.organization else { return Ok(own) };
        let id = checked("organization", id)?.to_owned();
        Ok(Credential::fetched(Switch::new(http, url, own, id, self.http.limits.clone())))
    }
}

into_future!(Connect => Koyeb: |this| this.connect().await);

fn checked_url(url: &str) -> Result<String, Error> {
    http_client::private_url(url, "token")?;
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
    fn organizations_that_lead_elsewhere_are_refused() {
        assert_eq!(kind(Koyeb::token("t").organization("..")), Err(ErrorKind::InvalidInput));
        assert_eq!(kind(Koyeb::token("t").organization("")), Err(ErrorKind::InvalidInput));
    }

    #[test]
    fn what_is_set_by_hand_goes_before_what_is_found() {
        let variables = [("KOYEB_TOKEN", "t"), ("KOYEB_URL", "https://a.example")];
        let found =
            || Connect::new(Token::ToBeFound(Surroundings::made(&variables, std::path::Path::new("/"))));
        let shown = |connect: Connect| connect.client().map(|koyeb| format!("{koyeb:?}")).unwrap_or_default();
        let env = shown(found());
        assert!(env.contains("a.example") && env.contains("KOYEB_TOKEN"), "{env}");
        assert!(shown(found().url("https://b.example")).contains("b.example"));
    }

    #[test]
    fn no_secret_is_printed() {
        let connect = Koyeb::token("hunter2").http(Http::default().header("x-a", "hunter3"));
        let shown = format!("{connect:?} {:?}", connect.clone().client());
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
