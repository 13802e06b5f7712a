//! What the client promises on Shaken Fist, each shown by what arrives at the server.

mod agent;
mod delete;
mod extremes;
mod files;
mod hot_plug;
mod labels;
mod launch;
mod launch_key;
mod power;
mod snapshots;
mod tokens;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::shakenfist::{Disk, Instance, InstanceState, Nic, PowerState, ShakenFist};
use windlass::testing::{FakeShakenFist, Release};
use windlass::{Error, ErrorKind, Output, Retry, Sent, Transferred, WaitEnd};

use crate::clock::{later, until};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn served() -> Result<(FakeShakenFist, ShakenFist), Box<dyn std::error::Error>> {
    let fake = FakeShakenFist::start().await?;
    fake.pace(Duration::from_millis(5));
    let sf = fake.client()?;
    Ok((fake, sf))
}

async fn ready(sf: &ShakenFist) -> Result<Instance, Error> {
    Ok(sf.launch("web").disk(Disk::blank(1)).await?.until_agent_ready().await?)
}

/// Far longer than what must come before it ends; it isn't waited for.
const LIMIT: Duration = Duration::from_secs(20);

/// What becomes of work with this limit, which is over as soon as something is so.
async fn over_once<T: Send + 'static>(
    so: impl Fn() -> bool,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    let working = tokio::spawn(work);
    until(so).await;
    later(LIMIT).await;
    working.await
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    match result {
        Err(e) if e.kind() == kind => e,
        other => panic!("expected {kind:?}, got {other:?}"),
    }
}
