//! A worker: lives of instances, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use windlass::incus::{Incus, InstanceRef};
use windlass::{Error, ErrorKind};

use super::told::{Belief, Told};
use crate::pattern::Pattern;

/// A call that takes longer hangs. A server out of reach is endured for a minute, and a start of a busy daemon takes time.
const LIMIT: Duration = Duration::from_secs(150);
const SIZE: u64 = 3 << 20;
/// After a launch that failed: the daemon is down.
const PAUSE: Duration = Duration::from_millis(100);

/// Works until it shall stop.
pub async fn run(incus: Incus, round: usize, worker: usize, stop: Arc<AtomicBool>) -> Told {
    let (mut told, pattern) = (Told::default(), Pattern::new());
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let web = incus.instance(format!("k{round}-{worker}-{number}"));
        life(&incus, &web, &pattern, &mut told).await;
    }
    told
}

/// Runs a call within the limit, and counts how it ended.
async fn call<T>(
    told: &mut Told,
    verb: &'static str,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let started = Instant::now();
    let ended = tokio::time::timeout(LIMIT, call).await;
    let took = started.elapsed();
    let end = match &ended {
        Ok(Ok(_)) => "good".to_owned(),
        Ok(Err(e)) => format!("{:?}", e.kind()),
        Err(_) => "HUNG".to_owned(),
    };
    told.call(verb, &end, took);
    ended.unwrap_or_else(|_| panic!("{verb} hangs"))
}

async fn life(incus: &Incus, web: &InstanceRef, pattern: &Pattern, told: &mut Told) {
    let name = web.name().to_owned();
    match call(told, "launch", async { incus.launch(&name).image("busybox").await }).await {
        Ok(_) => told.instances.insert(name.clone(), Belief::There),
        Err(e) => {
            told.instances.insert(name, Belief::after(&e, Belief::Absent));
            tokio::time::sleep(PAUSE).await;
            return;
        }
    };
    commands(web, pattern, told).await;
    files(web, pattern, told).await;
    let stop = web.stop().grace(Duration::from_secs(10));
    let _ = call(told, "stop, a wait", async { stop.send().await?.await.map_err(Error::from) }).await;
    match call(told, "delete", async { web.delete().force().await }).await {
        Ok(()) => told.instances.insert(name, Belief::Absent),
        Err(e) if e.is_not_found() => {
            told.wrong.push(format!("{name} is gone before it was deleted: {e}"));
            None
        }
        Err(e) => told.instances.insert(name, Belief::after(&e, Belief::There)),
    };
}

/// A command whose output is right, or one that says that it broke off.
async fn commands(web: &InstanceRef, pattern: &Pattern, told: &mut Told) {
    let input = pattern.bytes(100_000);
    let run = web.exec(["sh", "-c", "cat; echo end >&2; sleep 0.3; exit 7"]).stdin(input.clone());
    if let Ok(output) = call(told, "exec", run.output()).await {
        let same =
            (output.status.code(), output.stderr_text().as_str()) == (7, "end\n") && output.stdout == input;
        if !same {
            told.wrong.push(format!("{}: a command with another output", web.name()));
        }
    }
}

/// What was pushed is there, whole.
async fn files(web: &InstanceRef, pattern: &Pattern, told: &mut Told) {
    let content = pattern.bytes(SIZE);
    let pushed = call(told, "push", web.push(content.clone()).to("/root/file")).await;
    match call(told, "pull", web.pull("/root/file").bytes()).await {
        // A push that broke off leaves a part of the file, and says so.
        Ok(bytes) if pushed.is_ok() && bytes != content => {
            told.wrong.push(format!("{}: pulled {} other bytes", web.name(), bytes.len()));
        }
        Err(e) if pushed.is_ok() && e.kind() == ErrorKind::NotFound => {
            told.wrong.push(format!("{}: what was pushed is gone: {e}", web.name()));
        }
        _ => {}
    }
}
