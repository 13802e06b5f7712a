//! What all clients have in common.

use crate::place::Place;

/// A client of an API.
pub(crate) trait Client: Clone + Send + Sync + 'static {
    /// The server, and the part of it that the client uses.
    fn place(&self) -> Place;

    /// The server, for errors.
    fn address(&self) -> &str;
}
