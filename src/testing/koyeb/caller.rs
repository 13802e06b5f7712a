//! The sender of a request.

use super::reply::error;
use super::world::World;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// Whose token a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    User,
    Organization,
}

/// The token is in `Authorization`; a websocket may also, or only, have it as a subprotocol, as browsers do.
pub(super) fn admit(world: &World, request: &Request) -> Result<Caller, Reply> {
    let refuse = |message: &str| error(401, "authentication_error", message);
    let bad_format = || refuse("Invalid token format");
    let protocol = request.header("sec-websocket-protocol");
    let protocol = protocol.map(|value| value.strip_prefix("Bearer, ").ok_or_else(bad_format)).transpose()?;
    let header = request.header("authorization");
    let header = header.map(|value| value.strip_prefix("Bearer ").ok_or_else(bad_format)).transpose()?;
    if protocol.is_some() && header.is_some() && protocol != header {
        return Err(refuse("Two tokens"));
    }
    let token = protocol.or(header).ok_or_else(|| refuse("Route needs to be authenticated"))?;
    if token == world.token {
        return Ok(Caller::User);
    }
    let known = lock(&world.state).tokens.iter().any(|known| known == token);
    if known { Ok(Caller::Organization) } else { Err(refuse("Invalid token")) }
}
