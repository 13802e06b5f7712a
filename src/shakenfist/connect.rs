//! How to reach a cluster.

use std::fmt;
use std::sync::Arc;

use super::client::{Core, ShakenFist};
use super::discover::{self, Settings};
use super::{auth, reply};
use crate::config::{self, Surroundings};
use crate::error::Error;
use crate::place::{Place, Server};
use crate::raw;
use crate::secret::Secret;
use crate::transport::credential::Credential;
use crate::transport::http::Http;
use crate::transport::http_client;
use crate::transport::retry::Retry;
use crate::transport::{Handle, Shared};
use crate::wait::into_future;

/// A cluster to connect to; from [`ShakenFist::at`] or [`ShakenFist::discover`].
///
/// `.await` it for a client of a cluster that has answered and accepted the key, or take the [`client`](Self::client)
/// without a request.
#[derive(Clone)]
#[must_use = "nothing happens before `.await` or `.client()`"]
pub struct Connect {
    /// Without one, the settings are looked for.
    url: Option<String>,
    namespace: Option<String>,
    key: Option<Secret>,
    retry: Retry,
    http: Http,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, namespace) = (&self.url, &self.namespace);
        let mut shown = f.debug_struct("Connect");
        shown
            .field("url", url)
            .field("namespace", namespace)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

impl ShakenFist {
    /// The cluster that this user works with, found as the vendor's clients find it.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::ShakenFist;
    /// # async fn demo() -> windlass::Result<()> {
    /// let sf = ShakenFist::discover().await?;
    /// println!("{} of {}", sf.namespace(), sf.origin());
    /// # Ok(()) }
    /// ```
    ///
    /// The places are, in this order: `SHAKENFIST_API_URL` with `SHAKENFIST_NAMESPACE` and `SHAKENFIST_KEY`,
    /// `~/.shakenfist`, and `/etc/sf/shakenfist.json`. The first that names an address is used. Nothing is added to it
    /// from a later place, which may be about another cluster. In the environment, namespace and key override those of
    /// a file; [`namespace`](Connect::namespace) and [`key`](Connect::key) override both.
    ///
    /// Nothing is read before `.await` or [`.client()`](Connect::client).
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) with every place that was tried if nothing is found, and
    /// those of [`at`](Self::at).
    pub fn discover() -> Connect {
        Connect::new(None)
    }

    /// A cluster by the address of its API, which may have a path.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::ShakenFist;
    /// # async fn demo(key: String) -> windlass::Result<()> {
    /// let sf = ShakenFist::at("https://cloud.example.com/api").namespace("demo").key(key).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A node itself speaks plain `http://`. To any other host than this one, that sends the key unencrypted, so a
    /// warning is logged.
    ///
    /// # Errors
    ///
    /// Those of [`Connect::client`], [`Unauthenticated`](crate::ErrorKind::Unauthenticated) if the key isn't one of the
    /// namespace, [`Configuration`](crate::ErrorKind::Configuration) if the API is at another address, and those of
    /// [every request](crate::ShakenFist#errors).
    #[doc(alias = "https")]
    #[doc(alias = "url")]
    pub fn at(url: impl Into<String>) -> Connect {
        Connect::new(Some(url.into()))
    }
}

impl Connect {
    fn new(url: Option<String>) -> Self {
        Self { url, namespace: None, key: None, retry: Retry::default(), http: Http::default() }
    }

    /// The namespace to work in.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// One of the namespace's keys. It is exchanged for a token at the first call.
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// How failed requests are repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The HTTP settings: proxy, headers, user agent, certificate authorities, limits.
    pub fn http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    /// A client, without a request. After [`ShakenFist::discover`] this reads files, on the current thread.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a setting that is missing or can't be right,
    /// [`Configuration`](crate::ErrorKind::Configuration) if there is nothing to discover.
    pub fn client(self) -> Result<ShakenFist, Error> {
        let settings = self.settings()?;
        let parsed = http_client::base_url(&settings.url)?;
        let base = settings.url.trim_end_matches('/').to_owned();
        if settings.namespace.is_empty() {
            return Err(Error::invalid("namespace", "is missing"));
        }
        if parsed.scheme() == "http" && !crate::place::is_loopback(&parsed) {
            tracing::warn!(host = parsed.host_str(), "the key and tokens go over the network unencrypted");
        }
        let http = http_client::build(http_client::builder_to_service(&parsed, &self.http)?)?;
        let raw = |credential| {
            let shared =
                Shared::new("shakenfist", &base, reply::explain, credential, self.http.limits.clone());
            let handle = Handle::new(http.clone(), &base, shared, self.retry.clone());
            raw::shakenfist::Client { handle }
        };
        let open = raw(Credential::None);
        let (api, scope) = ("shakenfist", format!("namespace:{}", settings.namespace));
        let place = Place { api, server: Server::at(&parsed), scope };
        let tokens = auth::Tokens::new(open.clone(), settings.namespace.clone(), settings.key);
        Ok(ShakenFist::new(Core {
            raw: raw(Credential::fetched(tokens)),
            open,
            origin: settings.origin,
            namespace: settings.namespace,
            place,
            capabilities: Arc::default(),
        }))
    }

    fn settings(&self) -> Result<Settings, Error> {
        let Some(url) = &self.url else {
            return discover::find(&Surroundings::real(), self.namespace.clone(), self.key.clone());
        };
        http_client::base_url(url)?;
        let missing = |field: &str| Error::invalid(field, "is missing");
        Ok(Settings {
            url: url.clone(),
            namespace: self.namespace.clone().ok_or_else(|| missing("namespace"))?,
            key: self.key.clone().ok_or_else(|| missing("key"))?,
            origin: url.trim_end_matches('/').to_owned(),
        })
    }

    /// A client of a cluster that has answered and accepted the key.
    async fn connected(self) -> Result<ShakenFist, Error> {
        let sf = match self.url {
            Some(_) => self.client()?,
            None => config::aside(|| self.client()).await?,
        };
        sf.capabilities().await.map_err(Error::while_connecting)?;
        auth::sign_in(&sf).await.map_err(Error::while_connecting)?;
        Ok(sf)
    }
}

into_future!(Connect => ShakenFist: |connect| connect.connected().await);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_is_missing_is_named() {
        let fields = |connect: Connect| match connect.client() {
            Ok(_) => Vec::new(),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::InvalidInput);
                e.fields().to_vec()
            }
        };
        let at = ShakenFist::at;
        assert_eq!(fields(at("cloud.example.com").namespace("demo").key("k")), ["url"]);
        assert_eq!(fields(at("http://me:pw@127.0.0.1").namespace("demo").key("k")), ["url"]);
        assert_eq!(fields(at("http://127.0.0.1:13000").key("k")), ["namespace"]);
        assert_eq!(fields(at("http://127.0.0.1:13000").namespace("demo")), ["key"]);
        assert!(fields(at("http://127.0.0.1:13000/api/").namespace("demo").key("k")).is_empty());
    }

    #[test]
    fn a_key_doesnt_print() -> Result<(), Error> {
        let connect = ShakenFist::at("http://127.0.0.1:1/").namespace("demo").key("hunter2");
        assert!(!format!("{connect:?}").contains("hunter2"));
        let sf = connect.client()?;
        assert!(!format!("{sf:?}").contains("hunter2"));
        Ok(())
    }
}
