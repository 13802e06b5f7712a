//! A request that may be answered.

use std::sync::Arc;

use serde_json::Value;

use super::release::Release;
use super::state::{Instance, World};
use crate::testing::server::request::Request;

/// A request with a valid token.
pub(super) struct Asked<'a> {
    pub(super) world: &'a Arc<World>,
    pub(super) request: &'a Request,
    pub(super) namespace: String,
    /// The id of the request, its own or the server's. Events contain it.
    pub(super) id: String,
}

impl Asked<'_> {
    /// Notes in an instance's events that this was asked for. 0.7 doesn't.
    pub(super) fn note(&self, instance: &mut Instance, what: &str, extra: Value) {
        if self.world.release >= Release::V0_8 {
            instance.audit(&format!("{what} request from REST API"), extra, &self.id);
        }
    }
}
