//! A worker: lives of instances, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

/// A worker, as others see it.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Through which it works.
    pub incus: Incus,
    /// The beginning of the names of its instances.
    pub name: String,
    /// It shall stop.
    pub stop: Arc<AtomicBool>,
    /// Its instances that were launched and deleted.
    pub whole: Arc<AtomicUsize>,
}

impl Worker {
    pub fn new(incus: Incus, name: String, stop: &Arc<AtomicBool>) -> Self {
        Self { incus, name, stop: stop.clone(), whole: Arc::default() }
    }

    /// Works until it shall stop.
    pub async fn run(self) -> Told {
        let (mut told, pattern) = (Told::default(), Pattern::new());
        for number in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let web = self.incus.instance(format!("{}-{number}", self.name));
            if life(&self.incus, &web, &pattern, &mut told).await {
                self.whole.fetch_add(1, Ordering::SeqCst);
            }
        }
        told
    }
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

/// Whether the instance was launched, and deleted in the end.
async fn life(incus: &Incus, web: &InstanceRef, pattern: &Pattern, told: &mut Told) -> bool {
    let name = web.name().to_owned();
    match call(told, "launch", async { incus.launch(&name).image("busybox").await }).await {
        Ok(_) => told.instances.insert(name.clone(), Belief::There),
        Err(e) => {
            told.instances.insert(name, Belief::after(&e, Belief::Absent));
            tokio::time::sleep(PAUSE).await;
            return false;
        }
    };
    commands(web, pattern, told).await;
    files(web, pattern, told).await;
    let stop = web.stop().grace(Duration::from_secs(10));
    let _ = call(told, "stop, a wait", async { stop.send().await?.await.map_err(Error::from) }).await;
    let deleted = call(told, "delete", async { web.delete().force().await }).await;
    let whole = deleted.is_ok();
    match deleted {
        Ok(()) => told.instances.insert(name, Belief::Absent),
        Err(e) if e.is_not_found() => {
            told.wrong.push(format!("{name} is gone before it was deleted: {e}"));
            None
        }
        Err(e) => told.instances.insert(name, Belief::after(&e, Belief::There)),
    };
    whole
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
