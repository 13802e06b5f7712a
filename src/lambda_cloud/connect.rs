//! How to reach the service.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::{Core, LambdaCloud, reply};
use crate::error::{Error, ErrorKind};
use crate::place::{self, Place, Server};
use crate::raw;
use crate::secret::Secret;
use crate::transport::credential::{Credential, bearer};
use crate::transport::limits::Limits;
use crate::transport::rate_limit::{Pace, Pacing};
use crate::transport::retry::Retry;
use crate::transport::{Handle, Shared};
use crate::transport::{http_client, tls};

/// An account to connect to; from [`LambdaCloud::with_key`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `.client()`"]
pub struct Connect {
    key: Secret,
    basic: bool,
    url: String,
    retry: Retry,
    limits: Limits,
    proxy: Option<Secret>,
    pacing: Pacing,
    interval: Duration,
    origin: String,
}

/// The service itself; `cloud.lambdalabs.com` is its old name.
const SERVICE: &str = "https://cloud.lambda.ai";

impl LambdaCloud {
    /// What the service publishes: one request a second, one launch in twelve.
    pub const PACING: Pacing = Pacing::new(Duration::from_secs(1)).launches(Duration::from_secs(12));

    /// The account that has this API key.
    ///
    /// ```no_run
    /// # use windlass::{LambdaCloud, Secret};
    /// # fn demo(key: Secret) -> windlass::Result<()> {
    /// let lambda = LambdaCloud::with_key(key).client()?;
    /// # Ok(()) }
    /// ```
    pub fn with_key(key: impl Into<Secret>) -> Connect {
        Connect {
            key: key.into(),
            basic: false,
            url: SERVICE.to_owned(),
            retry: patient(),
            limits: Limits::default(),
            proxy: None,
            pacing: Self::PACING,
            interval: Duration::from_secs(10),
            origin: "the key given".to_owned(),
        }
    }
}

/// Enough for a queue of fifty launches, and for an edge that wants a pause.
fn patient() -> Retry {
    let retry = Retry::default().attempts(5).total(Duration::from_secs(600));
    retry.backoff(Duration::from_secs(1), Duration::from_secs(30))
}

impl Connect {
    /// Another address than `https://cloud.lambda.ai`. Plain HTTP is taken only to this machine itself.
    ///
    /// With or without `/api/v1` at its end.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
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

    pub(super) fn found_by(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// A client, without asking the service anything.
    pub fn client(self) -> Result<LambdaCloud, Error> {
        let base = checked(&self.url)?;
        let parsed = http_client::base_url(&base)?;
        let tls = if parsed.scheme() == "https" { tls::public()? } else { tls::nobody()? };
        let http = http_client::build(http_client::builder_to(&parsed, tls, self.proxy.as_ref())?)?;
        let key = checked_key(&self.key)?;
        let header = if self.basic { basic(&http, key)? } else { bearer(&Secret::from(key))? };
        let (api, server) = ("lambda-cloud", Server::at(&http_client::base_url(&base)?));
        let place = Place { api, server, scope: place::account(api, key) };
        let pace = Pace::of_account(&base, key, "instance_launch", self.pacing);
        let credential = Credential::Fixed(header);
        let shared = Shared::new("lambda-cloud", &base, reply::explain, credential, self.limits);
        let raw =
            raw::lambda_cloud::Client { handle: Handle::new(http, &base, shared.paced(pace), self.retry) };
        // Without any pause a wait would do nothing but ask.
        let (origin, interval) = (self.origin, self.interval.max(Duration::from_millis(1)));
        Ok(LambdaCloud(Arc::new(Core { raw, origin, place, interval, board: Arc::default() })))
    }
}

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
    let parsed = http_client::base_url(url)?;
    if parsed.scheme() != "https" && !crate::place::is_loopback(&parsed) {
        return Err(Error::invalid("url", "plain http:// would show the key to everybody on the way"));
    }
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
            for connect in [LambdaCloud::with_key(bad), LambdaCloud::with_key(bad).basic()] {
                // Basic can carry anything but nothing.
                let basic = connect.basic && !bad.trim().is_empty();
                let made = connect.client().map(|_| ()).map_err(|e| e.kind());
                assert_eq!(made, if basic { Ok(()) } else { Err(ErrorKind::Configuration) }, "{bad:?}");
            }
        }
    }

    #[test]
    fn the_key_shows_nowhere() {
        let connect = LambdaCloud::with_key("hunter2");
        let printed = format!("{connect:?} {:?}", connect.clone().client());
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
