//! How to reach a server: by its address, a token, or the settings of the `incus` command.

pub(super) mod address;
pub(super) mod bearer_token;
pub(super) mod builder;
#[cfg(test)]
mod discover;
pub(super) mod identity;
pub(super) mod image_remotes;
pub(super) mod join;
pub(super) mod local;
pub(super) mod open;
mod reached;
pub(super) mod remotes;
pub(super) mod remotes_config;
pub(super) mod target;

pub use bearer_token::BearerToken;
pub use builder::Connect;
pub use identity::Identity;
