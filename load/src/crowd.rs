//! Ten thousand waits at the same time, in a process with few file descriptors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::try_join_all;
use tokio::time::sleep;
use windlass::incus::{Incus, Instance, Status};
use windlass::testing::FakeIncus;
use windlass::{Error, Retry};

use crate::talk::{Client, figure, hear, say};
use crate::{Outcome, meter};

const SIZE: usize = 10_000;
/// The client's `ulimit -n`.
const FILES: u32 = 256;
/// How long nothing happens.
const QUIET: Duration = Duration::from_secs(60);
/// Until the last wait has got used to waiting.
const CALM: Duration = Duration::from_secs(5);

pub async fn lead() -> Outcome {
    let fake = FakeIncus::start().await?;
    let mut client = Client::start("waits", &fake.socket().display().to_string(), Some(FILES))?;
    client.expect("idle").await?;
    let hold = fake.hold_operations();
    client.tell("go").await?;
    client.expect("waiting").await?;
    figure("connections while all wait", fake.connections());
    figure("connections at most", fake.connections_peak());
    client.expect("quiet").await?;
    drop(hold);
    client.tell("released").await?;
    all_run(&fake).await;
    let ended = now();
    let woken: u64 = client.expect("woken").await?.parse()?;
    figure("from the end of the work to the last wake-up", format!("{} ms", woken as i64 - ended as i64));
    client.end().await?;
    assert_eq!(fake.instances().len(), SIZE, "each was launched once");
    Ok(())
}

fn name(number: usize) -> String {
    format!("web{number}")
}

/// Waits until the server has started all of them.
async fn all_run(fake: &FakeIncus) {
    for number in 0..SIZE {
        while fake.instance(&name(number)).is_none_or(|instance| instance["status"] != "Running") {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Milliseconds by the clock that both processes share.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

pub async fn client(socket: &str) -> Outcome {
    let incus = Incus::unix(socket).retry(Retry::default().total(Duration::MAX)).client()?;
    // What any call needs is there before the measuring.
    assert!(incus.instances().await?.is_empty());
    let idle = meter::resident();
    say("idle");
    hear();
    let waiting = Arc::new(AtomicUsize::new(0));
    let waits: Vec<_> =
        (0..SIZE).map(|number| tokio::spawn(wait(incus.clone(), number, waiting.clone()))).collect();
    while waiting.load(Ordering::SeqCst) < SIZE {
        assert!(!waits.iter().any(tokio::task::JoinHandle::is_finished), "a wait ended early");
        sleep(Duration::from_millis(50)).await;
    }
    sleep(CALM).await;
    say("waiting");
    quiet(idle).await;
    say("quiet");
    hear();
    let mut last = 0;
    for (number, waited) in try_join_all(waits).await?.into_iter().enumerate() {
        let (instance, woken) = waited?;
        assert_eq!((&instance.name, &instance.status), (&name(number), &Status::Running));
        last = last.max(woken);
    }
    figure("memory at most, above idle", meter::more(meter::peak(), idle));
    say(format!("woken {last}"));
    Ok(())
}

/// A launch, and when its wait ended.
async fn wait(incus: Incus, number: usize, waiting: Arc<AtomicUsize>) -> Result<(Instance, u64), Error> {
    let launch = incus.launch(name(number)).image("busybox").send().await?;
    waiting.fetch_add(1, Ordering::SeqCst);
    let instance = launch.timeout(Duration::MAX).await?;
    Ok((instance, now()))
}

/// What waiting takes.
async fn quiet(idle: u64) {
    figure(format!("waits at once, with `ulimit -n {FILES}`"), SIZE);
    figure("memory of the client, idle", meter::mib(idle));
    figure("memory while all wait, above idle (aim: 30 MiB)", meter::more(meter::resident(), idle));
    let before = meter::cpu();
    sleep(QUIET).await;
    let used = meter::cpu() - before;
    figure(format!("CPU time in {} s of waiting", QUIET.as_secs()), format!("{:.2} s", used.as_secs_f64()));
}
