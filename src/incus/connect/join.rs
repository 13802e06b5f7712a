//! Becoming a client that a server trusts.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::target::{KnownBy, Target};
use crate::error::{Error, ErrorKind, Sent};
use crate::incus::trust::certificate::request;
use crate::incus::trust::trust_token::ANOTHER;
use crate::incus::{Connect, Identity, Incus, TrustToken};
use crate::secret::Secret;
use crate::transport::retry::Retry;
use crate::transport::tls::Trust;

/// Joins the server that the token is from. It is shown nothing before it has proved to have the token's certificate.
pub(in crate::incus) async fn join(connect: Connect, token: &Secret) -> Result<Incus, Error> {
    let mut at = match &connect.target {
        Target::Https(address) => format!("https://{address}"),
        _ => String::new(),
    };
    let joined = async {
        let told: TrustToken = token.expose().parse()?;
        if at.is_empty() {
            at = told.addresses().join(", ");
        }
        told.check_alive(chrono::Utc::now())?;
        let incus = reach(prepared(connect, &told)?, &told).await?;
        if !incus.get_server().await?.trusts() {
            present(&incus, token).await?;
            incus.trusted_server().await?;
        }
        Ok(incus)
    };
    joined.await.map_err(|e: Error| connecting(e, &at))
}

/// An error from before there was a client.
fn connecting(e: Error, at: &str) -> Error {
    e.at(at).with(|e| {
        if e.operation.is_empty() {
            (e.api, e.verb) = ("incus", "connect".to_owned());
        }
    })
}

/// With the token's pin, and an identity.
fn prepared(mut connect: Connect, told: &TrustToken) -> Result<Connect, Error> {
    let pin = told.pin()?;
    match connect.known_by.is_some().then(|| connect.trust()).transpose()? {
        Some(Trust::Exactly(other)) if other != pin => {
            let why = format!("the token is from a server whose certificate is {pin}, not {other}");
            let e = Error::new(ErrorKind::UntrustedServer, why);
            return Err(e.with(|e| e.repeatable = true));
        }
        Some(Trust::Authorities(_)) => {
            return Err(Error::invalid("authority", "leave it out: the token names the certificate itself"));
        }
        _ => {}
    }
    connect.known_by = Some(KnownBy::Fingerprint(pin.to_string()));
    if connect.identity.is_none() {
        connect.identity = Some(Identity::generate(told.client_name())?);
    }
    Ok(connect)
}

/// A client of the address that was given, or of the first of the token's that answers as the right server.
async fn reach(connect: Connect, told: &TrustToken) -> Result<Incus, Error> {
    if !matches!(connect.target, Target::Invited) {
        return match connect.target {
            Target::Https(_) => connect.open(),
            _ => Err(Error::invalid("join", "is for servers that are reached over TLS")),
        };
    }
    if told.addresses().is_empty() {
        return Err(Error::invalid("token", "names no address: say one, with `Incus::https`"));
    }
    let asked = told.addresses().iter().map(|address| ask(&connect, address));
    let mut asked: FuturesUnordered<_> = asked.collect();
    let mut failed = Vec::new();
    while let Some((address, answer)) = asked.next().await {
        match answer {
            Ok(incus) => return Ok(incus),
            Err(e) => failed.push((address, e)),
        }
    }
    Err(unreachable(failed))
}

/// Sends a request that needs no trust.
async fn ask<'a>(connect: &Connect, address: &'a str) -> (&'a str, Result<Incus, Error>) {
    let mut connect = connect.clone();
    connect.target = Target::Https(address.to_owned());
    let answer = async {
        let incus = connect.open()?;
        incus.with(Retry::never()).get_server().await?;
        Ok(incus)
    };
    (address, answer.await)
}

/// Why no address will do: all of it in the words, and the most telling as the kind.
fn unreachable(failed: Vec<(&str, Error)>) -> Error {
    let why: Vec<String> = failed.iter().map(|(address, e)| format!("{address}: {e}")).collect();
    let sent = failed.iter().map(|(_, e)| e.sent()).find(|sent| *sent != Sent::No).unwrap_or(Sent::No);
    let stranger = failed.iter().any(|(_, e)| e.kind() == ErrorKind::UntrustedServer);
    let kind = if stranger { ErrorKind::UntrustedServer } else { ErrorKind::Connect };
    let why = format!("the token's server is at none of its addresses: {}", why.join("; "));
    Error::new(kind, why).with(|e| (e.sent, e.repeatable) = (sent, true))
}

async fn present(incus: &Incus, token: &Secret) -> Result<(), Error> {
    let mut body = request(String::new());
    body.trust_token = Some(token.expose().trim().into());
    let Err(e) = incus.raw().certificate_create().body(body).send().await else { return Ok(()) };
    // The answer may be lost, and the token is used up: what counts is whether we are trusted.
    if e.sent() != Sent::No && incus.trusted_server().await.is_ok() {
        return Ok(());
    }
    Err(of_no_use(e))
}

/// A token that the server doesn't take: there is only the status, and for an expired one only the text.
fn of_no_use(e: Error) -> Error {
    let refused = e.status() == Some(403) || e.message().contains("expired");
    e.with(|e| {
        if refused {
            e.kind = ErrorKind::Unauthenticated;
            e.suggestion = Some(ANOTHER.to_owned());
        }
    })
}
