//! Artifacts: names for blobs, and how content becomes one.

mod chunks;
mod created;
mod handle;
mod upload_artifact;

pub use handle::{Artifact, ArtifactRef};
pub use upload_artifact::UploadArtifact;
