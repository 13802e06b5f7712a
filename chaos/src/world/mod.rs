//! The fakes with something in them, and clients of them.

mod incus;
mod koyeb;
mod lambda_cloud;
mod real;
mod shakenfist;

use std::net::SocketAddr;
use std::time::Duration;

use windlass::{Http, Limits, Retry};

use crate::api::Api;
use crate::call::{Calling, Sample};
use crate::origin::Origin;
use crate::proxy::Exchange;
use crate::subject::Subject;

pub use real::{IncusLab, ShakenFistLab, rows};

/// Why a fake couldn't be started.
pub type Failure = Box<dyn std::error::Error>;

/// Calls the operation with this id.
pub type Caller = Box<dyn Fn(&str, &Sample) -> Calling>;

/// Makes a client of the server at this address.
pub type Connect = Box<dyn Fn(&str) -> windlass::Result<Caller>>;

/// A server with what an operation needs.
pub struct World {
    /// Where it listens.
    pub origin: Origin,
    /// What operations need.
    pub sample: Sample,
    /// How often it did something.
    pub count: Count,
    /// A client of the server at this address.
    pub connect: Connect,
}

/// How it is counted what an operation did.
pub enum Count {
    /// By the requests on a route, which the fake counts.
    Requests(Box<dyn Fn(&str) -> usize>),
    /// By what is on the server, when it has done all that it was asked: so many requests.
    Effects(Box<dyn Fn(usize) -> usize>),
    /// A real server doesn't count who reads: by the requests that it was given.
    Delivered,
}

impl Count {
    /// How often it was done until now.
    pub fn now(&self, route: &str, exchanges: &[Exchange]) -> usize {
        let delivered = exchanges.iter().filter(|exchange| exchange.delivered).count();
        match self {
            Self::Requests(on) => on(route),
            Self::Effects(count) => count(delivered),
            Self::Delivered => delivered,
        }
    }
}

impl World {
    /// Starts a fake with what this operation needs, or makes that on the real server.
    pub async fn start(subject: &Subject) -> Result<Self, Failure> {
        if let Some(real) = &subject.real {
            return real::prepare(subject, real);
        }
        let id = subject.endpoint.id;
        match subject.api {
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
