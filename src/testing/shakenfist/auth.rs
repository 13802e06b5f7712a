//! Keys and tokens.

use serde_json::json;
use tokio::time::Instant;

use super::answer::{Answer, Failure, data, failure, options};
use super::state::{Token, World, uuid};
use crate::testing::server::request::Request;

/// `POST /auth`.
pub(super) fn issue(world: &World, request: &Request) -> Answer {
    let options = options(request, "AuthEndpoint", &["namespace", "key"])?;
    let wanted = |key: &str| {
        options
            .get(key)
            .filter(|given| !given.is_null())
            .cloned()
            .ok_or_else(|| failure(400, format!("missing {key} in request")))
    };
    let (namespace, key) = (wanted("namespace")?, wanted("key")?);
    let Some(key) = key.as_str() else { return Err(failure(400, "key is not a string")) };
    let namespace = namespace.as_str().unwrap_or_default();
    let mut all = world.data();
    let life = all.knobs.token_life;
    let known = all.namespaces.get(namespace).ok_or_else(|| failure(404, "namespace not found"))?;
    if known.key != key {
        return Err(failure(401, "unauthorized"));
    }
    let (token, nonce) = (format!("e30.{}.fake", uuid()), known.nonce);
    let issued = Token { namespace: namespace.to_owned(), nonce, ends: Instant::now() + life };
    all.tokens.insert(token.clone(), issued);
    let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": life.as_secs() });
    Ok(data(&answer))
}

/// The namespace of the token.
pub(super) fn namespace(world: &World, request: &Request) -> Result<String, Failure> {
    let refused = |text: &str| failure(401, text);
    let header = request.header("authorization").ok_or_else(|| refused("Missing Authorization Header"))?;
    let token = header.strip_prefix("Bearer ").ok_or_else(|| {
        refused("Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'")
    })?;
    let all = world.data();
    let token = all.tokens.get(token).ok_or_else(|| refused("invalid JWT in Authorization header"))?;
    if token.ends <= Instant::now() {
        return Err(refused("Signature has expired"));
    }
    match all.namespaces.get(&token.namespace) {
        Some(known) if known.nonce == token.nonce => Ok(token.namespace.clone()),
        // The key of the token is gone. The server doesn't say so.
        _ => Err(refused("")),
    }
}
