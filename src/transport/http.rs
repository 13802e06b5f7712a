//! The HTTP settings of a client.

use std::fmt;
use std::net::IpAddr;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;

use super::limits::Limits;
use super::tls;
use crate::error::Error;
use crate::secret::Secret;

/// The HTTP settings of a client: proxy, headers, user agent, certificate authorities, limits.
///
/// They are the same on all platforms. Set them with the `http` of an API's `Connect`:
///
/// ```no_run
/// use std::time::Duration;
/// use windlass::{Http, Koyeb, LambdaCloud, Limits};
///
/// # async fn demo(token: windlass::Secret, key: windlass::Secret) -> Result<(), Box<dyn std::error::Error>> {
/// let http = Http::default()
///     .user_agent("fleet/2.1")
///     .header("x-team", "blue")
///     .proxy("http://proxy.example:3128")
///     .no_proxy("localhost, .internal.example, 10.0.0.0/8")
///     .extra_authority(std::fs::read_to_string("/etc/fleet/ca.pem")?)
///     .limits(Limits::default().head(Duration::from_secs(20)));
///
/// let koyeb = Koyeb::token(token).http(http.clone()).await?;
/// let lambda = LambdaCloud::key(key).http(http).await?;
/// # Ok(()) }
/// ```
///
/// They apply to every request, websockets included. A setting that can't be right is an error of
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) that names it, from `.await` and `.client()`. `Debug` shows
/// neither the proxy nor the values of headers.
#[derive(Clone, Default)]
pub struct Http {
    proxy: Option<Secret>,
    no_proxy: Option<String>,
    headers: Vec<(String, Secret)>,
    user_agent: Option<String>,
    extra_authorities: Vec<String>,
    pub(crate) limits: Limits,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Http")
            .field("proxy", &self.proxy)
            .field("no_proxy", &self.no_proxy)
            .field("headers", &headers)
            .field("user_agent", &self.user_agent)
            .field("extra_authorities", &self.extra_authorities.len())
            .field("limits", &self.limits)
            .finish()
    }
}

impl Http {
    /// Uses this proxy, whatever the environment says: `http://` or `https://`, with a user and a password if necessary.
    ///
    /// If not set, HTTPS uses the proxy in `HTTPS_PROXY` or `ALL_PROXY`, except for the hosts in `NO_PROXY`; plain HTTP
    /// and this machine itself never use one. The proxy can read everything that goes over plain HTTP, credentials
    /// included. Websockets over HTTPS work through any proxy; over plain HTTP the proxy must forward `Upgrade`. A unix
    /// socket can't be reached through a proxy, so there this is an error.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Hosts that are reached without the [`proxy`](Self::proxy), written as in `NO_PROXY`: names, which include their
    /// subdomains, addresses, networks such as `10.0.0.0/8`, or `*` for all names; with commas between them.
    ///
    /// Without a `proxy` this is an error: the proxy of the environment has its own `NO_PROXY`.
    #[must_use]
    pub fn no_proxy(mut self, hosts: impl Into<String>) -> Self {
        self.no_proxy = Some(hosts.into());
        self
    }

    /// Sends this header with every request. The value is never printed. A second value for the same name replaces the
    /// first.
    ///
    /// Headers that requests depend on are refused, for example `authorization`, `content-type` and `range`. For
    /// `user-agent` there is [`user_agent`](Self::user_agent).
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Names your program in the user agent, for example `fleet/2.1`: it is put before `windlass/` and the version, which
    /// is the default.
    #[must_use]
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Trusts this certificate authority in addition to those that the system trusts. PEM; several may follow each other,
    /// and each call adds to the others.
    ///
    /// It has no effect where no authority counts: over plain HTTP, on a unix socket, and for an Incus server that is known
    /// by its fingerprint or certificate.
    #[must_use]
    pub fn extra_authority(mut self, pem: impl Into<String>) -> Self {
        self.extra_authorities.push(pem.into());
        self
    }

    /// How long an answer may take, how large it may be, and how many requests may be under way at the same time.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The proxy to use, if one is set.
    pub(crate) fn checked_proxy(&self) -> Result<Option<reqwest::Proxy>, Error> {
        let Some(given) = &self.proxy else {
            return match self.no_proxy {
                Some(_) => Err(Error::invalid("no_proxy", "means nothing without a proxy")),
                None => Ok(None),
            };
        };
        let proxy = proxy(given)?;
        match &self.no_proxy {
            Some(hosts) => {
                check_hosts(hosts)?;
                Ok(Some(proxy.no_proxy(reqwest::NoProxy::from_string(hosts))))
            }
            None => Ok(Some(proxy)),
        }
    }

    pub(crate) fn checked_headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    pub(crate) fn checked_user_agent(&self) -> Result<HeaderValue, Error> {
        const OWN: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));
        let Some(product) = &self.user_agent else { return Ok(HeaderValue::from_static(OWN)) };
        if product.trim().is_empty() {
            return Err(Error::invalid("user_agent", "is empty"));
        }
        HeaderValue::try_from(format!("{} {OWN}", product.trim()))
            .map_err(|_| Error::invalid("user_agent", "holds what no header can hold"))
    }

    pub(crate) fn checked_authorities(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let read =
            self.extra_authorities.iter().map(|pem| tls::authorities("extra_authority", pem.as_bytes()));
        Ok(read.collect::<Result<Vec<_>, _>>()?.concat())
    }
}

/// Parses the address of a proxy, which may hold a password.
fn proxy(url: &Secret) -> Result<reqwest::Proxy, Error> {
    let wrong = || Error::invalid("proxy", "is not an address that starts with http:// or https://");
    let parsed = reqwest::Url::parse(url.expose()).map_err(|_| wrong())?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => reqwest::Proxy::all(parsed).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// An entry that can't match is refused: what it stands for would go through the proxy.
fn check_hosts(list: &str) -> Result<(), Error> {
    let hosts = list.split(',').map(str::trim).filter(|host| !host.is_empty());
    match hosts.into_iter().find(|host| !may_match(host)) {
        Some(host) => Err(Error::invalid("no_proxy", format!("{host:?} is no host, address or network"))),
        None => Ok(()),
    }
}

fn may_match(host: &str) -> bool {
    if let Some((address, bits)) = host.split_once('/') {
        let most = address.parse().map(|address: IpAddr| if address.is_ipv4() { 32 } else { 128 });
        return most.is_ok_and(|most| bits.parse().is_ok_and(|bits: u8| bits <= most));
    }
    let in_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    host == "*" || host.parse::<IpAddr>().is_ok() || host.bytes().all(in_a_name)
}

/// Headers that requests depend on.
const RESERVED: [&str; 19] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "if-match",
    "if-none-match",
    "keep-alive",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), Error> {
    let parsed = HeaderName::try_from(name).map_err(|e| Error::invalid("header", e))?;
    if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("sec-websocket") {
        return Err(Error::invalid("header", format!("{parsed} can't be set: requests depend on it")));
    }
    if parsed == reqwest::header::USER_AGENT {
        return Err(Error::invalid("header", "for user-agent there is Http::user_agent"));
    }
    let mut value = HeaderValue::try_from(value.expose())
        .map_err(|_| Error::invalid("header", format!("{parsed} can't have such a value")))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    type Checked = Result<(), (ErrorKind, Vec<String>)>;

    /// All settings, checked as for a client.
    fn checked(http: &Http) -> Checked {
        let all = http
            .checked_proxy()
            .and_then(|_| http.checked_headers())
            .and_then(|_| http.checked_user_agent())
            .and_then(|_| http.checked_authorities());
        all.map(drop).map_err(|e| {
            assert!(!format!("{e:?} {e}").contains("hunter2"), "{e:?}");
            (e.kind(), e.fields().to_vec())
        })
    }

    fn refused(field: &str) -> Checked {
        Err((ErrorKind::InvalidInput, vec![field.to_owned()]))
    }

    #[test]
    fn proxies() {
        for good in ["http://proxy:3128", "https://me:hunter2@proxy"] {
            assert_eq!(checked(&Http::default().proxy(good)), Ok(()), "{good}");
        }
        for bad in ["", "proxy", "hunter2:3128", "socks5://me:hunter2@proxy", "http://"] {
            assert_eq!(checked(&Http::default().proxy(bad)), refused("proxy"), "{bad}");
        }
    }

    #[test]
    fn hosts_without_a_proxy() {
        let with = |hosts: &str| checked(&Http::default().proxy("http://p").no_proxy(hosts));
        for good in ["", "*", "localhost", ".internal, 10.0.0.0/8,::1", "fe80::/10", "a_b.example,"] {
            assert_eq!(with(good), Ok(()), "{good}");
        }
        for bad in ["http://a", "*.a", "a b", "10.0.0.0/33", "a/8", "10.0.0.0/", "[::1]", "a:80"] {
            assert_eq!(with(bad), refused("no_proxy"), "{bad}");
        }
        assert_eq!(checked(&Http::default().no_proxy("a")), refused("no_proxy"));
    }

    #[test]
    fn headers_that_requests_depend_on_are_refused() {
        let with = |name: &str, value: &str| checked(&Http::default().header(name, value));
        assert_eq!(with("X-Koyeb-Project-Id", "p1"), Ok(()));
        for (name, value) in [
            ("Authorization", "hunter2"),
            ("Sec-WebSocket-Protocol", "x"),
            ("Range", "x"),
            ("User-Agent", "x"),
            ("a b", "x"),
            ("", "x"),
            ("x", "hunter2\n"),
        ] {
            assert_eq!(with(name, value), refused("header"), "{name:?}");
        }
    }

    #[test]
    fn the_last_value_of_a_header_counts() -> Result<(), Error> {
        let headers = Http::default().header("x-a", "1").header("X-A", "2").checked_headers()?;
        let values: Vec<_> = headers.get_all("x-a").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(values, [b"2"]);
        Ok(())
    }

    #[test]
    fn user_agents() {
        let agent = |http: Http| http.checked_user_agent().map(|agent| format!("{agent:?}").replace('"', ""));
        let own = concat!("windlass/", env!("CARGO_PKG_VERSION"));
        assert_eq!(agent(Http::default()).ok().as_deref(), Some(own));
        assert_eq!(agent(Http::default().user_agent(" fleet/2 ")).ok(), Some(format!("fleet/2 {own}")));
        for bad in ["", "  ", "a\r\nx: y"] {
            assert_eq!(checked(&Http::default().user_agent(bad)), refused("user_agent"), "{bad:?}");
        }
    }

    #[test]
    fn authorities_must_be_certificates() {
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n";
        let other = "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n";
        for bad in ["", "hunter2", empty, key, other] {
            assert_eq!(checked(&Http::default().extra_authority(bad)), refused("extra_authority"), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let http = Http::default().proxy("http://me:hunter2@p").header("x-a", "hunter2").user_agent("fleet");
        let shown = format!("{http:?}");
        assert!(!shown.contains("hunter2") && shown.contains("x-a") && shown.contains("fleet"), "{shown}");
    }
}
