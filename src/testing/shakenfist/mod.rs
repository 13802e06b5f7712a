//! A Shaken Fist server in this process.

mod agent;
mod answer;
mod api;
mod artifacts;
mod asked;
mod auth;
mod blobs;
mod client;
mod fake;
mod held;
mod instances;
mod interfaces;
mod launch;
mod life;
mod metadata;
mod networks;
mod power;
mod release;
mod root;
mod snapshots;
mod state;

pub use fake::FakeShakenFist;
pub use held::Held;
pub use release::Release;
