//! Holds: operations don't end until the hold is dropped.

use std::sync::Arc;

use super::world::World;

/// Keeps operations from ending, until it is dropped.
#[derive(Debug)]
#[must_use = "operations continue as soon as this is dropped"]
pub struct Hold(pub(super) Arc<World>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.send_modify(|held| *held -= 1);
    }
}
