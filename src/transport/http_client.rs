//! The HTTP client below every API.

use std::time::Duration;

use reqwest::{ClientBuilder, Url};
use rustls::ClientConfig;

use crate::error::{Error, ErrorKind};
use crate::place::is_loopback;
use crate::secret::Secret;

/// A client of the server at this address: through the proxy that was asked for, or the one that the environment names
/// for HTTPS.
///
/// The environment has no say over plain HTTP, where a proxy would read the credential, or over this machine itself.
pub(crate) fn builder_to(
    url: &Url,
    tls: ClientConfig,
    proxy: Option<&Secret>,
) -> Result<ClientBuilder, Error> {
    let builder = builder(tls);
    match proxy {
        Some(proxy) => Ok(builder.proxy(self::proxy(proxy)?)),
        None if url.scheme() == "http" || is_loopback(url) => Ok(builder.no_proxy()),
        None => Ok(builder),
    }
}

/// A proxy that was asked for. Its address may hold a password.
fn proxy(url: &Secret) -> Result<reqwest::Proxy, Error> {
    let wrong = || Error::invalid("proxy", "is no address that starts with http:// or https://");
    let parsed = Url::parse(url.expose()).map_err(|_| wrong())?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => reqwest::Proxy::all(parsed).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// A client that does nothing behind the back of the retry verdict.
pub(crate) fn builder(tls: ClientConfig) -> ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(10))
        .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
}

/// The client itself.
pub(crate) fn build(builder: ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|e| {
        Error::new(ErrorKind::Configuration, format!("can't set up HTTP: {e}"))
            .with(|inner| inner.source = Some(e.into()))
    })
}

/// An address of a server, without a slash at its end; its own credentials are refused.
pub(crate) fn base_url(url: &str) -> Result<Url, Error> {
    let parsed = Url::parse(url).map_err(|e| Error::invalid("url", e))?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => {}
        _ => return Err(Error::invalid("url", "is no address that starts with https:// or http://")),
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
    fn proxies() {
        let kind = |url: &str| proxy(&Secret::from(url)).map(|_| ()).map_err(|e| (e.kind(), e.to_string()));
        assert_eq!(kind("http://proxy:3128"), Ok(()));
        assert_eq!(kind("https://me:hunter2@proxy"), Ok(()));
        for bad in ["", "proxy", "hunter2:3128", "socks5://me:hunter2@proxy", "http://"] {
            let refused = kind(bad);
            assert!(
                matches!(&refused, Err((ErrorKind::InvalidInput, text)) if !text.contains("hunter2")),
                "{bad}: {refused:?}"
            );
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
