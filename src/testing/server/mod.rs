//! What all fakes share: a server on loopback that logs what arrives, and breaks when a test says so.

pub(in crate::testing) mod common;
pub(in crate::testing) mod connections;
pub(in crate::testing) mod doors;
pub(in crate::testing) mod fault;
pub(in crate::testing) mod front;
pub(in crate::testing) mod known;
pub(in crate::testing) mod limited;
pub(in crate::testing) mod local;
pub(in crate::testing) mod reply;
pub(in crate::testing) mod request;
pub(in crate::testing) mod route;
pub(in crate::testing) mod socket;
pub(in crate::testing) mod tasks;
pub(in crate::testing) mod tls;
