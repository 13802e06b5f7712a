//! A request that may be answered.

use std::sync::Arc;

use super::state::World;
use crate::testing::server::request::Request;

/// A request with a valid token.
pub(super) struct Asked<'a> {
    pub(super) world: &'a Arc<World>,
    pub(super) request: &'a Request,
    pub(super) namespace: String,
    /// The id of the request, its own or the server's. Events contain it.
    pub(super) id: String,
}
