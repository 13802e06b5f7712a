//! Many containers at a time on a real Incus daemon: run by `cargo xtask live incus`, which owns the daemon.

use std::time::Instant;

use windlass::incus::{Incus, Status};
use windlass::{Error, ExitStatus};

use crate::wire::Tap;

/// All of them at once.
const MANY: usize = 200;

/// From nothing to running, a command inside, and to nothing again.
async fn whole_life(incus: Incus, name: String) -> Result<ExitStatus, Error> {
    let web = incus.launch(name).image("busybox").await?;
    assert_eq!(web.status, Status::Running);
    let answer = web.exec(["hostname"]).output().await?;
    assert_eq!(answer.stdout_text().trim(), web.name());
    web.stop().force().await?;
    web.delete().await?;
    Ok(answer.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn two_hundred_launches_are_awaited_on_four_connections() -> Result<(), Box<dyn std::error::Error>> {
    let daemon = std::env::var("WINDLASS_LIVE_INCUS_SOCKET")
        .map_err(|_| "WINDLASS_LIVE_INCUS_SOCKET is not set: run `cargo xtask live incus`")?;
    let tap = Tap::before(&daemon).await?;
    let incus = Incus::unix(tap.socket()).client()?;
    let started = Instant::now();
    let lives: Vec<_> =
        (0..MANY).map(|number| tokio::spawn(whole_life(incus.clone(), format!("many-{number}")))).collect();
    for life in lives {
        assert!(life.await??.is_success());
    }
    println!("{MANY} containers, from launch to deletion: {:?}", started.elapsed());
    assert_eq!(tap.requests("/1.0/instances"), MANY, "each was asked for once");
    let left = incus.instances().filter("name eq ^many-.*").names().await?;
    assert!(left.is_empty(), "{left:?}");
    assert!(tap.waiting_peak() <= 4, "{} connections were waited on", tap.waiting_peak());
    Ok(())
}
