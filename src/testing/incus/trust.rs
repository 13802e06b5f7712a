//! `/1.0/certificates`, and access over TLS.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use super::common::{body, lacking, not_implemented, project, recursion, secret};
use super::envelope::{self, Answer, Failure, failure};
use super::generation::Generation;
use super::world::{Token, World};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::{Door, Request};
use crate::testing::server::tasks::lock;
use crate::testing::server::tls::fingerprint;

/// `None` if the caller has access. On this machine everyone has.
pub(super) fn gate(world: &Arc<World>, request: &Request) -> Option<Answer> {
    let Door::Tls(certificate) = &request.door else { return None };
    if let (Some(good), Some(brought)) = (&*lock(&world.trust.bearer), request.header("authorization")) {
        let right = brought == format!("Bearer {good}");
        return (!right).then(|| Err(failure(401, "invalid token")));
    }
    let route = (request.method.as_str(), request.path.as_str());
    match certificate.as_ref().and_then(|der| world.trust.of(der)) {
        Some(client) if client["restricted"] == true => restricted(world, request, &client["projects"]),
        Some(_) => None,
        None if route == ("GET", "/1.0") => Some(Ok(envelope::sync(&stranger_sees(world)))),
        None if route == ("POST", "/1.0/certificates") => Some(join(world, request, certificate.as_ref())),
        None => Some(forbidden()),
    }
}

/// What a client that is restricted to projects may not do. A list isn't refused in the same way as the rest.
fn restricted(world: &World, request: &Request, projects: &Value) -> Option<Answer> {
    let project = project(request);
    let within = projects.as_array().is_some_and(|all| all.contains(&project.as_str().into()));
    let path = request.path.as_str();
    match (request.method.as_str(), path) {
        ("GET", "/1.0/instances") if !within && request.param("all-projects").is_none() => {
            let why = format!("User does not have permissions for project \"{project}\"");
            Some(match world.generation {
                Generation::V6_0 => Err(failure(500, why)),
                Generation::V7_0 => Ok(envelope::sync(&json!([]))),
            })
        }
        _ if !within && (path.starts_with("/1.0/instances") || path == "/1.0/events") => {
            Some(Err(failure(403, format!("User does not have permission for project \"{project}\""))))
        }
        (method, _) if method != "GET" && path.starts_with("/1.0/certificates") => Some(forbidden()),
        _ => None,
    }
}

fn forbidden() -> Answer {
    Err(failure(403, "not authorized"))
}

/// The part of `GET /1.0` that is public.
fn stranger_sees(world: &World) -> Value {
    let mut all = super::about::server(world.generation);
    all["auth"] = "untrusted".into();
    for own in ["environment", "auth_user_name", "auth_user_method"] {
        all.as_object_mut().map(|all| all.remove(own));
    }
    if world.generation == Generation::V7_0 {
        all["api_extensions"] = Value::Null;
    }
    all
}

/// `GET /1.0` for this caller.
pub(super) fn server(world: &World, request: &Request) -> Value {
    let mut all = super::about::server(world.generation);
    // A server that doesn't listen on the network has a certificate, too.
    all["environment"]["certificate_fingerprint"] = world.fingerprint.clone().into();
    if let Some(tls) = world.trust.tls() {
        all["environment"]["addresses"] = json!([world.trust.address()]);
        all["environment"]["certificate"] = tls.pem().into();
        all["environment"]["certificate_fingerprint"] = tls.fingerprint().into();
    }
    if let Door::Tls(certificate) = &request.door {
        let name = certificate.as_ref().map(|der| fingerprint(der));
        all["auth_user_method"] = if name.is_some() { "tls" } else { "oidc" }.into();
        all["auth_user_name"] = name.unwrap_or_else(|| "somebody@example.org".to_owned()).into();
    }
    all
}

pub(super) fn certificates(world: &Arc<World>, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(list(world, request)),
        ("POST", []) => create(world, request),
        ("GET", [prefix]) => Ok(envelope::sync(&find(world, prefix)?)),
        ("DELETE", [prefix]) => {
            let found = find(world, prefix)?;
            lock(&world.trust.certificates).remove(found["fingerprint"].as_str().unwrap_or_default());
            Ok(envelope::done())
        }
        ("PUT" | "PATCH", [_]) => lacking(request),
        (_, [] | [_]) => not_implemented(),
        _ => Err(failure(404, "not found")),
    }
}

fn list(world: &World, request: &Request) -> Reply {
    let all = lock(&world.trust.certificates);
    match recursion(request) {
        0 => envelope::sync(&all.keys().map(|print| format!("/1.0/certificates/{print}")).collect()),
        _ => envelope::sync(&all.values().cloned().collect()),
    }
}

fn find(world: &World, prefix: &str) -> Result<Value, Failure> {
    let all = lock(&world.trust.certificates);
    let mut found = all.iter().filter(|(print, _)| print.starts_with(prefix));
    match (found.next(), found.next()) {
        (Some((_, document)), None) => Ok(document.clone()),
        _ => Err(failure(404, "Certificate not found")),
    }
}

/// Adds a certificate or a token, for a trusted client.
fn create(world: &Arc<World>, request: &Request) -> Answer {
    let asked = body(request)?;
    if asked["token"] == true {
        return Ok(promise(world, &asked).0);
    }
    match asked["certificate"].as_str().filter(|given| !given.is_empty()) {
        Some(given) => {
            let der = STANDARD.decode(given).map_err(|e| failure(400, e.to_string()))?;
            world.trust.add(&asked, &der)
        }
        None => Err(failure(400, "Client is already trusted")),
    }
}

/// Issues a token: the answer, and the content of the token.
pub(super) fn promise(world: &Arc<World>, asked: &Value) -> (Reply, Value) {
    let expires = lock(&world.trust.lifetime).map(|lifetime| Utc::now() + lifetime);
    let secret = secret();
    let end = expires.map(|end| end.to_rfc3339_opts(SecondsFormat::Nanos, true));
    let mut metadata = json!({
        "addresses": [world.trust.address()], "fingerprint": world.trust.fingerprint(), "secret": secret,
    });
    let mut told = metadata.clone();
    told["client_name"] = asked["name"].clone();
    told["expires_at"] = end.as_deref().unwrap_or("0001-01-01T00:00:00Z").into();
    metadata["request"] = asked.clone();
    if let Some(end) = end {
        metadata["expiresAt"] = end.into();
    }
    let (reply, operation) = world.pend(metadata);
    lock(&world.trust.tokens).push(Token { secret, asked: asked.clone(), expires, operation });
    (reply, told)
}

/// Adds an untrusted client that has a token. The token is used up even without a certificate.
fn join(world: &World, request: &Request, certificate: Option<&Bytes>) -> Answer {
    let asked = body(request)?;
    let told = asked["trust_token"].as_str().and_then(|text| STANDARD.decode(text).ok());
    let told = told.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let told = told.ok_or_else(|| failure(403, "not authorized"))?;
    let mut tokens = lock(&world.trust.tokens);
    let mine = |token: &Token| told["secret"] == token.secret.as_str() && !token.operation.is_over();
    let Some(at) = tokens.iter().position(mine) else {
        return Err(failure(403, "No matching certificate add operation found"));
    };
    let token = tokens.swap_remove(at);
    world.cancelled(&token.operation);
    if token.expires.is_some_and(|end| end <= Utc::now()) {
        let why = "Failed during search for certificate add token operation: Token has expired";
        return Err(failure(500, why));
    }
    let der = certificate.ok_or_else(|| failure(400, "No client certificate provided"))?;
    world.trust.add(&token.asked, der)
}
