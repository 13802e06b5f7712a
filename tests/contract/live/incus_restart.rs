//! A real Incus daemon that is killed during a wait: run by `cargo xtask live incus`, which owns the daemon.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use windlass::incus::{Incus, InstanceRef, Status};
use windlass::{Error, WaitEnd};

use crate::incus::booted;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run `cargo xtask live incus`"))
}

/// Kills the daemon, or starts it again; the containers live on.
fn control(verb: &str) -> Outcome {
    let recipe = variable("WINDLASS_LIVE_INCUS_CONTROL")?;
    let status =
        Command::new("bash").args([&recipe, verb, &variable("WINDLASS_LIVE_INCUS_DIR")?]).status()?;
    if status.success() { Ok(()) } else { Err(format!("`{verb}` of the daemon failed").into()) }
}

fn client() -> Result<Incus, Box<dyn std::error::Error>> {
    Ok(Incus::unix(variable("WINDLASS_LIVE_INCUS_SOCKET")?).client()?)
}

/// Kills the daemon in the middle of a slow stop, with and without a watcher of the progress.
async fn killed_during_a_stop(watched: bool) -> Outcome {
    let incus = client()?;
    let web = incus.launch(format!("killed-{watched}")).image("busybox").await?;
    booted(&web).await?;
    let mut stop = web.stop().grace(Duration::from_secs(30)).send().await?;
    if watched {
        stop = stop.on_progress(|_| {});
    }
    let waiting = tokio::spawn(stop.timeout(Duration::from_secs(60)).into_future());
    tokio::time::sleep(Duration::from_millis(300)).await;
    control("kill")?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    control("start")?;
    let ended =
        tokio::time::timeout(Duration::from_secs(45), waiting).await.map_err(|_| "the wait hangs")??;
    // The guest had its signal, and may have been seen stopped before the new daemon started it again.
    if let Err(e) = ended {
        assert_eq!(e.end(), WaitEnd::Gone, "{e:?}");
        assert!(Error::from(e).ticket().is_some());
    }
    clear_away(&incus.instance(web.name())).await
}

/// The new daemon starts again what ran before, in its own time: stopping and deleting may take a few tries.
async fn clear_away(web: &InstanceRef) -> Outcome {
    for _ in 0..40 {
        match web.delete().await {
            Ok(()) => return Ok(()),
            Err(e) if e.is_not_found() => return Ok(()),
            Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
        }
        let _ = web.stop().force().send().await;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Err("the instance can't be cleared away".into())
}

/// Kills it while it makes an instance.
async fn killed_during_a_launch() -> Outcome {
    let incus = client()?;
    let name = "killed-launch";
    let launch = incus.launch(name).image("busybox").send().await?;
    let waiting = tokio::spawn(launch.timeout(Duration::from_secs(60)).into_future());
    control("kill")?;
    control("start")?;
    let ended =
        tokio::time::timeout(Duration::from_secs(45), waiting).await.map_err(|_| "the wait hangs")??;
    if let Ok(web) = &ended {
        assert_eq!(web.status, Status::Running);
    }
    // Half-made or running: whatever is left goes away.
    clear_away(&incus.instance(name)).await
}

/// Kills it while commands run, and doesn't start it again: each says so within a minute.
async fn killed_during_commands() -> Outcome {
    let incus = client()?;
    let web = incus.launch("killed-exec").image("busybox").await?;
    let run = |script: &str| web.exec(["sh", "-c", script]);
    // One with its streams open, one that has closed its outputs, one whose terminal is open, one without any.
    let mut open = run("echo up; sleep 1000").spawn().await?;
    let mut closed = run("exec >/dev/null 2>&1; sleep 1000").spawn().await?;
    let mut terminal = run("echo up; sleep 1000").terminal(80, 24).spawn().await?;
    let alone = run("sleep 1000").discard_output().send().await?.timeout(Duration::from_secs(600));
    // The outputs have ended, and the wait for the status is under way.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let waits = tokio::spawn(async move {
        let started = Instant::now();
        let timed = async |wait: BoxFuture<'static, bool>| (wait.await, started.elapsed());
        tokio::join!(
            timed(Box::pin(async move { open.wait().await.is_err() })),
            timed(Box::pin(async move { closed.wait().await.is_err() })),
            timed(Box::pin(async move { terminal.wait().await.is_err() })),
            timed(Box::pin(async { alone.await.is_err() })),
        )
    });
    control("kill")?;
    let (open, closed, terminal, alone) = waits.await?;
    control("start")?;
    println!("open {open:?}, closed {closed:?}, terminal {terminal:?}, alone {alone:?}");
    for (failed, after) in [open, closed, terminal, alone] {
        // With room for a busy machine.
        assert!(failed && after < Duration::from_secs(75), "{after:?}");
    }
    clear_away(&incus.instance(web.name())).await
}

/// One test: there is one daemon to kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn a_daemon_killed_and_restarted_never_hangs_a_wait() -> Outcome {
    killed_during_a_stop(false).await?;
    killed_during_a_stop(true).await?;
    killed_during_a_launch().await?;
    killed_during_commands().await
}
