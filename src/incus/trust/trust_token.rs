//! Trust tokens: an invitation to a server, in one line of text.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::incus::types;
use crate::secret::Secret;
use crate::transport::tls::Fingerprint;

/// An invitation to be trusted by a server; from [`Incus::create_trust_token`](crate::Incus::create_trust_token) or
/// `incus config trust add`, for [`Connect::join`](crate::incus::Connect::join).
///
/// It can be used once, by anyone who has it. `Debug` doesn't show its secret.
#[derive(Clone)]
pub struct TrustToken(Told);

/// What is in the text.
#[derive(Clone, Serialize, Deserialize)]
struct Told {
    #[serde(default)]
    client_name: String,
    fingerprint: String,
    #[serde(default)]
    addresses: Vec<String>,
    secret: Secret,
    #[serde(default = "never")]
    expires_at: DateTime<Utc>,
}

/// The zero of Go's clock, which the vendor writes for a token that doesn't expire.
fn never() -> DateTime<Utc> {
    DateTime::from_timestamp(-62_135_596_800, 0).unwrap_or_default()
}

impl TrustToken {
    /// The name that its bearer will have.
    pub fn client_name(&self) -> &str {
        &self.0.client_name
    }

    /// SHA-256 of the server's certificate, in hex.
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// Where the server listens, as far as it knows.
    pub fn addresses(&self) -> &[String] {
        &self.0.addresses
    }

    /// Until when it can be used; none: until it is used or revoked.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        (self.0.expires_at.year() > 1).then_some(self.0.expires_at)
    }

    /// The line of text to hand over: a secret.
    pub fn text(&self) -> Secret {
        let json = Secret::from(serde_json::to_string(&self.0).unwrap_or_default());
        STANDARD.encode(json.expose()).into()
    }

    pub(in crate::incus) fn secret(&self) -> &Secret {
        &self.0.secret
    }

    /// The certificate that the server must have.
    pub(in crate::incus) fn pin(&self) -> Result<Fingerprint, Error> {
        self.0.fingerprint.parse().map_err(|_| malformed())
    }

    /// Refuses one that is of no use any more.
    pub(in crate::incus) fn check_alive(&self, now: DateTime<Utc>) -> Result<(), Error> {
        match self.expires_at() {
            Some(end) if end <= now => Err(Error::new(
                ErrorKind::Unauthenticated,
                format!("the trust token expired at {}", end.format("%Y-%m-%d %H:%M:%S UTC")),
            )
            .with(|e| e.suggestion = Some(ANOTHER.to_owned()))),
            _ => Ok(()),
        }
    }

    /// What the operation that stands for it tells.
    pub(in crate::incus) fn of_operation(operation: &types::Operation) -> Option<Self> {
        let told = operation.metadata.as_ref()?;
        let text = |key: &str| told.get(key)?.as_str();
        let name = told.get("request").and_then(|request| request.get("name")?.as_str());
        let addresses = told.get("addresses").and_then(|list| list.as_array());
        let addresses = addresses.into_iter().flatten().filter_map(|address| address.as_str());
        let end = text("expiresAt").and_then(|end| end.parse().ok());
        Some(Self(Told {
            client_name: name.unwrap_or_default().to_owned(),
            fingerprint: text("fingerprint")?.to_owned(),
            addresses: addresses.map(str::to_owned).collect(),
            secret: text("secret")?.into(),
            expires_at: end.unwrap_or_else(never),
        }))
    }
}

/// What to do about a token that is of no use.
pub(in crate::incus) const ANOTHER: &str =
    "ask for another token: `incus config trust add NAME` on the server";

/// Says nothing of the text: it may be a good token with a typing error.
fn malformed() -> Error {
    Error::invalid("token", "isn't a trust token as `incus config trust add` prints it")
}

impl FromStr for TrustToken {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let json = STANDARD.decode(text.trim()).map_err(|_| malformed())?;
        let token = Self(serde_json::from_slice(&json).map_err(|_| malformed())?);
        token.pin()?;
        if token.secret().expose().is_empty() {
            return Err(malformed());
        }
        Ok(token)
    }
}

impl From<TrustToken> for Secret {
    fn from(token: TrustToken) -> Self {
        token.text()
    }
}

impl fmt::Debug for TrustToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustToken")
            .field("client_name", &self.0.client_name)
            .field("fingerprint", &self.0.fingerprint)
            .field("addresses", &self.0.addresses)
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "fe56469a49127f4bf12e5cfaffff3e25a386b8d8fb276409387f662945cbbbed";

    fn token(json: &str) -> Result<TrustToken, Error> {
        STANDARD.encode(json).parse()
    }

    fn with(fields: &str) -> Result<TrustToken, Error> {
        token(&format!(r#"{{"fingerprint":"{PIN}","secret":"hunter2"{fields}}}"#))
    }

    #[test]
    fn text_reads_back() -> Result<(), Error> {
        let given = with(
            r#","client_name":"cli","addresses":["127.0.0.1:28443","[::1]:8443"],"expires_at":"0001-01-01T00:00:00Z""#,
        )?;
        let back: TrustToken = format!(" {}\n", given.text().expose()).parse()?;
        assert_eq!((back.client_name(), back.fingerprint(), back.expires_at()), ("cli", PIN, None));
        assert_eq!(back.addresses(), ["127.0.0.1:28443", "[::1]:8443"]);
        assert_eq!(back.text(), given.text());
        Ok(())
    }

    #[test]
    fn what_is_no_token_is_refused_without_quoting_it() {
        let good = with("").map(|token| token.text().expose().to_owned()).unwrap_or_default();
        for bad in [
            String::new(),
            "hunter2".to_owned(),
            good[1..].to_owned(),
            STANDARD.encode("hunter2"),
            STANDARD.encode(r#"{"secret":"hunter2"}"#),
            STANDARD.encode(r#"{"fingerprint":"00","secret":"hunter2"}"#),
            STANDARD.encode(format!(r#"{{"fingerprint":"{PIN}","secret":""}}"#)),
        ] {
            let e = bad.parse::<TrustToken>().map(|_| ()).map_err(|e| (e.kind(), format!("{e} {e:?}")));
            let (kind, text) = e.err().unwrap_or((ErrorKind::BadReply, String::new()));
            assert_eq!(kind, ErrorKind::InvalidInput, "{bad}");
            assert!(!text.contains("hunter2") && !text.contains(&good[1..]), "{text}");
        }
    }

    #[test]
    fn expiry() -> Result<(), Error> {
        let now = "2026-11-21T03:41:40.5Z".parse().unwrap_or_default();
        for (end, alive) in [
            ("2026-11-21T03:41:40.669753543Z", true),
            ("2026-11-21T03:41:40.5Z", false),
            ("2020-01-01T00:00:00Z", false),
            ("0001-01-01T00:00:00Z", true),
        ] {
            let token = with(&format!(r#","expires_at":"{end}""#))?;
            assert_eq!(token.check_alive(now).map_err(|e| e.kind()).is_ok(), alive, "{end}");
        }
        assert!(with("")?.check_alive(now).is_ok());
        Ok(())
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(with("").is_ok_and(|token| !format!("{token:?}").contains("hunter2")));
    }
}
