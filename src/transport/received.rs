//! A good answer before decoding.

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::HeaderMap;

use super::Facts;
use super::upgrade::Upgraded;

/// A good answer before decoding.
pub(crate) struct Received {
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
    pub(super) facts: Facts,
}

/// The content of an answer.
pub(super) enum Content {
    Whole(Bytes),
    Open(Response),
    Upgraded(Upgraded),
}
