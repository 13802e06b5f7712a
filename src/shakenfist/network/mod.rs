//! Virtual networks.

mod create;
mod delete;
mod handle;
mod reservations;

pub use create::CreateNetwork;
pub(super) use create::resume as resume_create;
pub(super) use delete::resume as resume_delete;
pub use handle::{Network, NetworkRef};
