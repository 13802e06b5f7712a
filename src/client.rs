//! What all clients have in common.

use crate::place::Place;

/// A client of one API: which server it talks to, and as whom.
pub(crate) trait Client: Clone + Send + Sync + 'static {
    /// Which server, and which part of it.
    fn place(&self) -> Place;

    /// Where the server is, for errors.
    fn address(&self) -> &str;
}
