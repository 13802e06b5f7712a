//! Addresses of servers.

use std::net::Ipv6Addr;

use reqwest::Url;

use crate::error::Error;
use crate::transport::http_client;

/// Where Incus listens unless it is told otherwise.
const PORT: u16 = 8443;

/// `10.0.0.2`, `10.0.0.2:8443`, `host`, `[::1]:8443`, `https://host:8443`: all as a URL without a path.
pub(in crate::incus) fn remote(given: &str) -> Result<Url, Error> {
    let wrong = |why: &str| Err(Error::invalid("address", format!("{given:?} {why}")));
    let rest = given.strip_prefix("https://").unwrap_or(given).trim_end_matches('/');
    if rest.contains("://") {
        return wrong("must be https://, or a host and a port alone");
    }
    // Said here: what holds a password is not to be printed.
    if rest.contains('@') {
        return Err(Error::invalid("address", "holds credentials, which would end up in logs"));
    }
    if rest.is_empty() || rest.contains(['/', '?', '#', '\\']) || rest.contains(char::is_whitespace) {
        return wrong("isn't a host and a port");
    }
    let authority = match rest.parse::<Ipv6Addr>() {
        Ok(bare) => format!("[{bare}]"),
        Err(_) => rest.to_owned(),
    };
    // A URL forgets a port that is its scheme's usual one; Incus's usual one is another.
    let host_ends = authority.rfind(']').unwrap_or_default();
    let has_port = authority[host_ends..].contains(':');
    let text = if has_port { format!("https://{authority}") } else { format!("https://{authority}:{PORT}") };
    match http_client::base_url(&text) {
        Ok(url) => Ok(url),
        Err(_) => wrong("isn't a host and a port"),
    }
}

/// Plain HTTP, to this machine only.
pub(in crate::incus) fn plain(given: &str) -> Result<Url, Error> {
    let parsed = http_client::base_url(given)?;
    if parsed.scheme() != "http" || !crate::place::is_loopback(&parsed) {
        return Err(Error::invalid("url", "only http:// to this machine itself is safe without TLS"));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn remote_addresses() {
        for (given, url) in [
            ("10.0.0.2:8443", "https://10.0.0.2:8443/"),
            ("10.0.0.2", "https://10.0.0.2:8443/"),
            ("https://incus.example:443/", "https://incus.example/"),
            ("https://incus.example", "https://incus.example:8443/"),
            ("::1", "https://[::1]:8443/"),
            ("[fe80::2]", "https://[fe80::2]:8443/"),
            ("[::1]:9443", "https://[::1]:9443/"),
        ] {
            assert_eq!(remote(given).map(String::from).map_err(|e| e.to_string()), Ok(url.to_owned()));
        }
        for bad in [
            "",
            "https://",
            "http://a:8443",
            "unix://a",
            "a b",
            "a:b",
            "a:99999",
            "a/1.0",
            "a?b",
            "a#b",
            "[::1",
            "me:hunter2@a:8443",
        ] {
            let e = remote(bad).map_err(|e| (e.kind(), e.to_string().contains("hunter2")));
            assert_eq!(e, Err((ErrorKind::InvalidInput, false)), "{bad}");
        }
    }

    #[test]
    fn plain_http_only_to_this_machine() {
        for good in ["http://127.0.0.1:80", "http://localhost:1/", "http://[::1]:8443"] {
            assert!(plain(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1:8443",
            "https://127.0.0.1",
            "http://localhost.evil.com",
            "http://me:pass@127.0.0.1",
            "incus",
            "",
        ] {
            assert_eq!(plain(bad).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput), "{bad}");
        }
    }
}
