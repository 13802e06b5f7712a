//! A service that speaks Lambda Cloud's API.

mod api;
mod catalog;
mod client;
mod companions;
mod envelope;
mod fake;
mod firewalls;
mod instances;
mod launch;
mod state;

pub use fake::{Capacity, CapacityOf, FakeLambdaCloud};
