//! Copying and moving instances.

mod copies;
mod migrate;
mod original;
mod refresh;
pub(super) mod relocate;

pub use migrate::Migrate;
pub use original::Original;
pub use refresh::Refresh;
pub use relocate::Relocate;
