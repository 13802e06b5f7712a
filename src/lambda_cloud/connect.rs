//! How to reach the service.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::client::{Core, LambdaCloud};
use super::{discover, reply};
use crate::config::{self, Surroundings};
use crate::error::{Error, ErrorKind};
use crate::place::{self, Place, Server};
use crate::raw;
use crate::secret::Secret;
use crate::transport::credential::{Credential, bearer};
use crate::transport::http::Http;
use crate::transport::http_client;
use crate::transport::pacing::{Pace, Pacing};
use crate::transport::retry::Retry;
use crate::transport::{Handle, Shared};
use crate::wait::into_future;

/// How to reach an account; from [`LambdaCloud::key`] or [`LambdaCloud::discover`].
///
/// `.await` it for a client whose key the service has accepted, or take the [`client`](Self::client) without asking.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`, and nothing read before that or `.client()`"]
pub struct Connect {
    key: Key,
    basic: bool,
    url: Option<String>,
    retry: Retry,
    http: Http,
    pacing: Pacing,
    interval: Duration,
}

#[derive(Debug, Clone)]
enum Key {
    Given(Secret),
    ToBeFound(Surroundings),
}

/// The service itself; `cloud.lambdalabs.com` is its old name.
const SERVICE: &str = "https://cloud.lambda.ai";

impl LambdaCloud {
    /// What the service publishes: one request a second, one launch in twelve.
    pub const PACING: Pacing = Pacing::new(Duration::from_secs(1)).launches(Duration::from_secs(12));

    /// The account with this API key.
    ///
    /// ```no_run
    /// # use windlass::{LambdaCloud, Secret};
    /// # async fn demo(key: Secret) -> windlass::Result<()> {
    /// let lambda = LambdaCloud::key(key).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Connect::client`]; [`Unauthenticated`](ErrorKind::Unauthenticated) if the service doesn't know the key,
    /// and those of [every request](LambdaCloud#errors).
    #[doc(alias = "api_key")]
    pub fn key(key: impl Into<Secret>) -> Connect {
        Connect::new(Key::Given(key.into()))
    }

    /// The account whose API key is in the usual place: `LAMBDA_API_KEY`, `LAMBDA_CLOUD_API_KEY`, or the line
    /// `api_key = …` of `~/.lambda_cloud/lambda_keys`, in this order. `LAMBDA_CLOUD_BASE_URL` or `LAMBDA_CLOUD_API_URL`
    /// sets another address.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use windlass::LambdaCloud;
    /// # async fn demo() -> windlass::Result<()> {
    /// let lambda = LambdaCloud::discover().poll_interval(Duration::from_secs(30)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) with all places that were tried if there is no key, and those of
    /// [`key`](Self::key).
    pub fn discover() -> Connect {
        Connect::new(Key::ToBeFound(Surroundings::real()))
    }
}

/// Enough for a queue of fifty launches, and for an edge that wants a pause.
fn patient() -> Retry {
    let retry = Retry::default().attempts(5).total(Duration::from_secs(600));
    retry.backoff(Duration::from_secs(1), Duration::from_secs(30))
}

impl Connect {
    fn new(key: Key) -> Self {
        Self {
            key,
            basic: false,
            url: None,
            retry: patient(),
            http: Http::default(),
            pacing: LambdaCloud::PACING,
            interval: Duration::from_secs(10),
        }
    }

    /// Another address than `https://cloud.lambda.ai`, with or without `/api/v1` at its end. Plain HTTP is accepted only
    /// for this machine itself.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sends the key as HTTP Basic instead of as a bearer token.
    pub fn basic(mut self) -> Self {
        self.basic = true;
        self
    }

    /// How failed requests are repeated; five attempts within ten minutes if not set.
    ///
    /// The total limit includes the time that a request waits for its turn.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The HTTP settings: proxy, headers, user agent, certificate authorities, limits.
    pub fn http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    /// How fast requests may follow each other; [`LambdaCloud::PACING`] if not set.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// How often waits look; every ten seconds if not set. All waits of a client share one look.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// A client, without asking the service. After [`LambdaCloud::discover`] this reads the file with the key, which
    /// blocks for a moment.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if no key is found or it can't be one,
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the address or an HTTP setting can't be right.
    pub fn client(mut self) -> Result<LambdaCloud, Error> {
        let (key, origin) = self.found()?;
        let base = checked(self.url.as_deref().unwrap_or(SERVICE))?;
        let parsed = http_client::base_url(&base)?;
        let http = http_client::build(http_client::builder_to_service(&parsed, &self.http)?)?;
        let key = checked_key(&key)?;
        let header = if self.basic { basic(&http, key)? } else { bearer(&Secret::from(key))? };
        let place = Place { api: API, server: Server::at(&parsed), scope: place::account(API, key) };
        let pace = Pace::of_account(&base, key, "instance_launch", self.pacing);
        let shared = Shared::new(API, &base, reply::explain, Credential::Fixed(header), self.http.limits);
        let raw =
            raw::lambda_cloud::Client { handle: Handle::new(http, &base, shared.paced(pace), self.retry) };
        // Without a pause a wait would send one request after the other.
        let interval = self.interval.max(Duration::from_millis(1));
        Ok(LambdaCloud(Arc::new(Core { raw, origin, place, interval, shared_list: Arc::default() })))
    }

    /// The key and where it comes from. What was set by hand stays.
    fn found(&mut self) -> Result<(Secret, String), Error> {
        match &self.key {
            Key::Given(key) => Ok((key.clone(), "the key given".to_owned())),
            Key::ToBeFound(surroundings) => {
                let found = discover::find(surroundings)?;
                self.url = self.url.take().or(found.url);
                Ok((found.key, found.origin))
            }
        }
    }

    async fn connect(self) -> Result<LambdaCloud, Error> {
        let lambda = config::aside(|| self.client()).await?;
        lambda.raw().regions_list().send().await.map_err(Error::while_connecting)?;
        Ok(lambda)
    }
}

into_future!(Connect => LambdaCloud: |this| this.connect().await);

const API: &str = "lambda-cloud";

fn checked_key(key: &Secret) -> Result<&str, Error> {
    match key.expose().trim() {
        "" => Err(Error::new(ErrorKind::Configuration, "the API key is empty")),
        key => Ok(key),
    }
}

/// The key as the user, without a password.
fn basic(http: &reqwest::Client, key: &str) -> Result<HeaderValue, Error> {
    let request = http.get(SERVICE).basic_auth(key, None::<&str>).build();
    let header = request.ok().and_then(|request| request.headers().get(AUTHORIZATION).cloned());
    let mut header =
        header.ok_or_else(|| Error::new(ErrorKind::Configuration, "the API key can't be sent"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn checked(url: &str) -> Result<String, Error> {
    http_client::private_url(url, "key")?;
    let url = url.trim_end_matches('/');
    // People's settings have it either way.
    Ok(url.strip_suffix("/api/v1").unwrap_or(url).trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (given, base) in [
            ("https://cloud.lambda.ai", "https://cloud.lambda.ai"),
            ("https://cloud.lambdalabs.com/api/v1/", "https://cloud.lambdalabs.com"),
            ("http://127.0.0.1:81/", "http://127.0.0.1:81"),
        ] {
            assert_eq!(checked(given).ok().as_deref(), Some(base));
        }
        for bad in ["http://cloud.lambda.ai", "cloud.lambda.ai", "", "https://key@cloud.lambda.ai"] {
            assert_eq!(checked(bad).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput), "{bad}");
        }
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused() {
        for bad in ["", "  ", "a\nb"] {
            for connect in [LambdaCloud::key(bad), LambdaCloud::key(bad).basic()] {
                // Basic can carry anything but nothing.
                let basic = connect.basic && !bad.trim().is_empty();
                let made = connect.client().map(|_| ()).map_err(|e| e.kind());
                assert_eq!(made, if basic { Ok(()) } else { Err(ErrorKind::Configuration) }, "{bad:?}");
            }
        }
    }

    #[test]
    fn what_is_set_by_hand_goes_before_what_is_found() {
        let found = |variables: &[(&str, &str)]| {
            let variables: Vec<_> = variables.iter().copied().chain([("LAMBDA_API_KEY", "k")]).collect();
            Connect::new(Key::ToBeFound(Surroundings::made(&variables, std::path::Path::new("/"))))
        };
        let address = |connect: Connect| {
            let lambda = connect.client().map_err(|e| e.kind())?;
            Ok((lambda.origin().to_owned(), lambda.raw().handle.base().to_owned()))
        };
        let elsewhere = [("LAMBDA_CLOUD_BASE_URL", "https://a.example")];
        let at = |url: &str| Ok(("LAMBDA_API_KEY".to_owned(), url.to_owned()));
        assert_eq!(address(found(&[])), at(SERVICE));
        assert_eq!(address(found(&elsewhere)), at("https://a.example"));
        assert_eq!(address(found(&elsewhere).url("https://b.example")), at("https://b.example"));
        // A setting that can't be right isn't ignored.
        let plain = found(&[("LAMBDA_CLOUD_BASE_URL", "http://elsewhere")]);
        assert_eq!(address(plain), Err(ErrorKind::InvalidInput));
    }

    #[test]
    fn the_key_shows_nowhere() {
        let connect = LambdaCloud::key("hunter2");
        let printed = format!("{connect:?} {:?}", connect.clone().client());
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
