//! How to reach a cluster.

use std::fmt;
use std::sync::Arc;

use super::{Core, ShakenFist, auth, reply};
use crate::error::Error;
use crate::place::{Place, Server};
use crate::raw;
use crate::secret::Secret;
use crate::transport::credential::Credential;
use crate::transport::limits::Limits;
use crate::transport::retry::Retry;
use crate::transport::{Handle, Shared};
use crate::transport::{http_client, tls};

/// A cluster to connect to; made by [`ShakenFist::at`].
#[derive(Clone)]
#[must_use = "nothing happens before `.client()` or `.connect().await`"]
pub struct Connect {
    url: String,
    namespace: String,
    key: Option<Secret>,
    retry: Retry,
    limits: Limits,
    proxy: Option<Secret>,
    origin: Option<String>,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, namespace) = (&self.url, &self.namespace);
        f.debug_struct("Connect").field("url", url).field("namespace", namespace).finish_non_exhaustive()
    }
}

impl ShakenFist {
    /// A cluster by the address of its API, which may have a path.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::ShakenFist;
    /// # async fn demo(key: String) -> windlass::Result<()> {
    /// let sf = ShakenFist::at("https://cloud.example.com/api").namespace("demo").key(key).connect().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Plain `http://` is what a node itself speaks. To another host than this one it sends the key for everybody on
    /// the way to read, so a warning is logged.
    pub fn at(url: impl Into<String>) -> Connect {
        Connect {
            url: url.into(),
            namespace: String::new(),
            key: None,
            retry: Retry::default(),
            limits: Limits::default(),
            proxy: None,
            origin: None,
        }
    }
}

impl Connect {
    /// Whose instances to work on.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = name.into();
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
        self.origin = Some(origin.into());
        self
    }

    /// A client, without asking the cluster anything.
    pub fn client(self) -> Result<ShakenFist, Error> {
        let parsed = http_client::base_url(&self.url)?;
        let base = self.url.trim_end_matches('/').to_owned();
        if self.namespace.is_empty() {
            return Err(Error::invalid("namespace", "is missing"));
        }
        let Some(key) = self.key else { return Err(Error::invalid("key", "is missing")) };
        let plain = parsed.scheme() == "http";
        if plain && !crate::place::is_loopback(&parsed) {
            tracing::warn!(host = parsed.host_str(), "the key and tokens go over the network unencrypted");
        }
        let tls = if plain { tls::nobody()? } else { tls::public()? };
        let http = http_client::build(http_client::builder_to(&parsed, tls, self.proxy.as_ref())?)?;
        let raw = |credential| {
            let shared = Shared::new("shakenfist", &base, reply::explain, credential, self.limits.clone());
            let handle = Handle::new(http.clone(), &base, shared, self.retry.clone());
            raw::shakenfist::Client { handle }
        };
        let open = raw(Credential::None);
        let (api, scope) = ("shakenfist", format!("namespace:{}", self.namespace));
        let place = Place { api, server: Server::at(&parsed), scope };
        let tokens = auth::Tokens::new(open.clone(), self.namespace.clone(), key);
        Ok(ShakenFist(Arc::new(Core {
            raw: raw(Credential::fetched(tokens)),
            open,
            origin: self.origin.unwrap_or_else(|| base.clone()),
            namespace: self.namespace,
            place,
            capabilities: Arc::default(),
        })))
    }

    /// A client of a cluster that has answered and accepted the key.
    pub async fn connect(self) -> Result<ShakenFist, Error> {
        let sf = self.client()?;
        sf.capabilities().await.map_err(Error::while_connecting)?;
        sf.sign_in().await.map_err(Error::while_connecting)?;
        Ok(sf)
    }
}

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
