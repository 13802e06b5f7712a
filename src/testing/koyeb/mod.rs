//! A service that speaks Koyeb's REST API and its websockets.

mod api;
mod caller;
mod client;
mod documents;
mod exec;
mod fake;
mod lifecycle;
mod limit;
mod lists;
mod logs;
mod quirk;
mod reply;
mod world;

pub use fake::FakeKoyeb;
