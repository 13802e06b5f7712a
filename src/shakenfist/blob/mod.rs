//! Blobs: immutable bytes.

mod checksum;
mod data;
mod handle;
mod source;

pub(super) use checksum::hex;
pub use data::BlobData;
pub use handle::{Blob, BlobRef};
pub(super) use source::{BlobSource, count};
