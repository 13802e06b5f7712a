//! What takes more than one exchange: waits, streams, commands and transfers, with harm at a random byte.

mod cable;
mod findings;
mod folder;
mod harm;
mod incus;
mod koyeb;
mod lambda_cloud;
mod plan;
mod scenario;
mod secrets;
mod sequence;
mod shakenfist;
mod shakenfist_real;
mod tls_front;
mod trial;

use std::time::Duration;

pub use plan::{Verdict, run};
pub use scenario::Scenario;

use crate::api::Api;
use crate::subject::Real;

/// All scenarios.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [incus::ALL, koyeb::ALL, lambda_cloud::ALL, shakenfist::ALL].into_iter().flatten()
}

/// The scenarios of an API on a real server.
pub fn on_real(api: Api, real: &Real) -> Vec<Scenario> {
    match api {
        Api::Incus => incus::on_real(real),
        Api::ShakenFist => shakenfist_real::scenarios(real),
        Api::Koyeb | Api::LambdaCloud => Vec::new(),
    }
}

/// What a wait is given in a scenario.
const WAIT: Duration = Duration::from_secs(60);
/// The silence after which a transfer is given up in a scenario.
const IDLE: Duration = Duration::from_secs(10);
/// The most time for anything else: the limits of single requests, several times over, and of searches for lost answers.
const LIMIT: Duration = Duration::from_secs(240);

/// Text that is different everywhere.
fn text(length: usize) -> Vec<u8> {
    let mut random = crate::random::Random::new(length as u64);
    (0..length).map(|_| b'a' + random.below(26) as u8).collect()
}
