//! What the tests of the contract share.

use std::time::{Duration, Instant};

use windlass::shakenfist::{Disk, Instance, Network, ShakenFist};
use windlass::{Error, ErrorKind};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A server under test: how to reach it, and what must stay alive meanwhile.
pub struct Served<G> {
    pub sf: ShakenFist,
    pub url: String,
    #[allow(dead_code)] // only kept alive
    pub guard: G,
}

pub const LONG: Duration = Duration::from_secs(90);

/// A name of its own for every instance of every run.
pub fn name(what: &str) -> String {
    format!("{what}-{:08x}", rand::random::<u32>())
}

pub fn disk() -> Disk {
    Disk::blank(1)
}

pub async fn made(sf: &ShakenFist, what: &str) -> Result<Instance, Error> {
    sf.launch(name(what)).disk(disk()).timeout(LONG).await
}

/// With its agent ready, too.
pub async fn ready(sf: &ShakenFist, what: &str) -> Result<Instance, Error> {
    Ok(made(sf, what).await?.until_agent_ready().timeout(LONG).await?)
}

pub async fn gone(instance: &Instance) -> Result<(), Error> {
    Ok(instance.delete().send().await?.timeout(LONG).await?)
}

/// Looks until it is so: lists miss, for a moment, what has just changed its state.
pub async fn until(mut so: impl AsyncFnMut() -> Result<bool, Error>) -> Outcome {
    let ends = Instant::now() + LONG;
    while !so().await? {
        if Instant::now() > ends {
            return Err("it never comes to be so".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Whether the release can do it; says so if not.
pub async fn can(sf: &ShakenFist, word: &str) -> Result<bool, Error> {
    let can = sf.capabilities().await?.has(word);
    if !can {
        eprintln!("skipped: the server has no capability {word:?}");
    }
    Ok(can)
}

#[track_caller]
pub fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    match result {
        Err(e) if e.kind() == kind => e,
        other => panic!("expected {kind:?}, got {other:?}"),
    }
}

/// A network of its own for every test.
pub async fn network(sf: &ShakenFist, what: &str) -> Result<Network, Error> {
    sf.create_network(name(what)).netblock("10.0.0.0/24").timeout(LONG).await
}
