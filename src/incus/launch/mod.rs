//! Creating instances: never twice, and never lost.

mod builder;
pub(super) mod devices;
mod image_source;
pub(super) mod instance_source;
mod launch_source;
pub(super) mod launched;
pub(super) mod reconcile;
pub(super) mod sizes;

pub use builder::Launch;
pub use image_source::ImageSource;
