//! A good answer before it is decoded.

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::HeaderMap;

use super::Facts;
use super::upgrade::Upgraded;

/// A good answer, not decoded yet.
pub(crate) struct Received {
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
    pub(super) facts: Facts,
}

/// What follows the head of an answer.
pub(super) enum Content {
    Whole(Bytes),
    Open(Response),
    Upgraded(Upgraded),
}
