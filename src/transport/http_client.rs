//! The HTTP client below every API.

use std::time::Duration;

use reqwest::{ClientBuilder, Url};
use rustls::ClientConfig;

use crate::error::{Error, ErrorKind};
use crate::place::is_loopback;
use crate::transport::http::Http;
use crate::transport::tls;

/// A client of a public service at this address, with the certificate authorities that the system trusts.
#[allow(dead_code)] // not every API is one
pub(crate) fn builder_to_service(url: &Url, http: &Http) -> Result<ClientBuilder, Error> {
    let tls = if url.scheme() == "https" { tls::public(http.checked_authorities()?)? } else { tls::none()? };
    builder_to(url, tls, http)
}

/// A client for the server at `url`. It uses the proxy of the settings, or the one that the environment names for HTTPS.
///
/// The environment doesn't apply to plain HTTP, because the proxy would see the credential, nor to loopback addresses.
pub(crate) fn builder_to(url: &Url, tls: ClientConfig, http: &Http) -> Result<ClientBuilder, Error> {
    let builder = builder(tls, http)?;
    match http.checked_proxy()? {
        Some(proxy) => Ok(builder.proxy(proxy)),
        None if url.scheme() == "http" || is_loopback(url) => Ok(builder.no_proxy()),
        None => Ok(builder),
    }
}

/// A client that follows no redirects and retries nothing by itself: those are decisions of this crate.
///
/// All settings are checked, also those that this client doesn't need.
pub(crate) fn builder(tls: ClientConfig, http: &Http) -> Result<ClientBuilder, Error> {
    http.checked_authorities()?;
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(10))
        .default_headers(http.checked_headers()?)
        .user_agent(http.checked_user_agent()?)
        .tls_backend_preconfigured(tls))
}

/// Builds the client.
pub(crate) fn build(builder: ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|e| {
        Error::new(ErrorKind::Configuration, format!("can't set up HTTP: {e}"))
            .with(|inner| inner.source = Some(e.into()))
    })
}

/// An address of a service to which a secret may be sent: over TLS, or within this machine.
#[allow(dead_code)] // not every API has such a service
pub(crate) fn private_url(url: &str, secret: &str) -> Result<Url, Error> {
    let parsed = base_url(url)?;
    if parsed.scheme() == "https" || is_loopback(&parsed) {
        return Ok(parsed);
    }
    Err(Error::invalid("url", format!("without TLS the {secret} could be read on its way: use https://")))
}

/// Parses the address of a server, and removes a trailing slash. Credentials in it are refused.
pub(crate) fn base_url(url: &str) -> Result<Url, Error> {
    let parsed = Url::parse(url).map_err(|e| Error::invalid("url", e))?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => {}
        _ => return Err(Error::invalid("url", "is not an address that starts with https:// or http://")),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Error::invalid("url", "holds credentials, which would end up in logs"));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(Error::invalid("url", "holds a query or a fragment"));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["https://cloud.lambda.ai", "http://10.0.0.1:13000/api/", "https://[::1]:8443"] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "incus",
            "unix:/a",
            "ftp://a",
            "http:///",
            "https://me:pass@a",
            "https://me@a",
            "http://a?b",
            "http://a#b",
        ] {
            assert_eq!(base_url(bad).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput), "{bad}");
        }
    }

    #[test]
    fn loopback() {
        let is = |url| Url::parse(url).is_ok_and(|url| is_loopback(&url));
        for near in ["http://127.0.0.1:80", "http://127.8.9.1", "http://localhost:1/", "http://[::1]:8443"] {
            assert!(is(near), "{near}");
        }
        for far in ["http://10.0.0.1", "http://localhost.evil.com", "http://[::2]", "http://0.0.0.0"] {
            assert!(!is(far), "{far}");
        }
    }
}
