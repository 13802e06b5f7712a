//! The fakes with something in them, and clients of them.

mod incus;
mod koyeb;
mod lambda_cloud;
mod shakenfist;

use std::net::SocketAddr;
use std::time::Duration;

use windlass::{Http, Limits, Retry};

use crate::api::Api;
use crate::call::{Calling, Sample};

/// Why a fake couldn't be started.
pub type Failure = Box<dyn std::error::Error>;

/// Calls the operation with this id.
pub type Caller = Box<dyn Fn(&str, &Sample) -> Calling>;

/// Makes a client of the server at this address.
pub type Connect = Box<dyn Fn(&str) -> windlass::Result<Caller>>;

/// A fake.
pub struct World {
    /// Where it listens.
    pub origin: SocketAddr,
    /// What operations need.
    pub sample: Sample,
    /// How many requests arrived on a route.
    pub requests: Box<dyn Fn(&str) -> usize>,
    /// A client of the server at this address.
    pub connect: Connect,
}

impl World {
    /// Starts it, with what this operation needs.
    pub async fn start(api: Api, id: &str) -> Result<Self, Failure> {
        match api {
            Api::Incus => incus::start(id).await,
            Api::Koyeb => koyeb::start(id).await,
            Api::LambdaCloud => lambda_cloud::start(id).await,
            Api::ShakenFist => shakenfist::start(id).await,
        }
    }
}

/// The attempts of a call.
pub const ATTEMPTS: u32 = 3;
/// The most time that a call may take.
pub const TOTAL: Duration = Duration::from_secs(8);

/// Small limits: the clock jumps, but bytes are real.
pub fn http() -> Http {
    let limits = Limits::default().head(Duration::from_secs(3)).json_body(1 << 20).error_body(1 << 14);
    Http::default().limits(limits.in_flight(1))
}

pub fn retry() -> Retry {
    let retry = Retry::default().attempts(ATTEMPTS).attempt_timeout(Duration::from_secs(2)).total(TOTAL);
    retry.backoff(Duration::from_millis(20), Duration::from_secs(1))
}

pub fn address(url: &str) -> Result<SocketAddr, Failure> {
    Ok(url.trim_start_matches("http://").parse()?)
}
