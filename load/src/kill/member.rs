//! A cluster of which one member after the other is killed amid load, while the others go on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;
use windlass::incus::Incus;

use super::told::Told;
use super::worker::Worker;
use super::{BACK, clear_away, control, names};
use crate::options::Options;
use crate::talk::figure;
use crate::{Failure, Outcome};

const MEMBERS: [&str; 3] = ["n1", "n2", "n3"];
/// Of each kind, at the same time.
const WORKERS: usize = 2;

/// What a worker has to do with the member that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Nothing.
    Spared,
    /// Its instances are on that member, and it asks another one.
    OnTheDead,
    /// It asks that member, for instances on another one.
    ThroughTheDead,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Spared, Self::OnTheDead, Self::ThroughTheDead];

    fn words(self) -> &'static str {
        match self {
            Self::Spared => "to and on living members",
            Self::OnTheDead => "on the dead member",
            Self::ThroughTheDead => "to the dead member",
        }
    }
}

/// A worker, and the task that it is.
struct Running {
    kind: Kind,
    whole: Arc<AtomicUsize>,
    task: JoinHandle<Told>,
}

/// Runs all rounds.
pub async fn run(options: &Options) -> Outcome {
    let (mut all, mut calls) = (Told::default(), BTreeMap::<Kind, Told>::new());
    let mut back = Duration::ZERO;
    for round in 0..options.rounds {
        let victim = MEMBERS[round % MEMBERS.len()];
        let (told, went_on) = one_round(options, round, victim, &mut calls).await?;
        eprintln!("round {round}, without {victim}: {told}");
        back = back.max(went_on);
        all.add(told);
        clear_away(&client(options, victim)?).await?;
    }
    figure("cluster", format!("three members, Incus {}", options.generation));
    figure("rounds, each with a SIGKILL of one member", options.rounds);
    for (kind, told) in calls {
        told.print_calls(kind.words());
    }
    figure("until each worker without the dead member had two whole lives, at most", seconds(back));
    all.print();
    if all.wrong.is_empty() { Ok(()) } else { Err(all.wrong.join("\n").into()) }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// A client of a member, through its own socket.
fn client(options: &Options, member: &str) -> Result<Incus, windlass::Error> {
    Incus::unix(Path::new(&options.directory).join(member).join("unix.socket")).client()
}

/// Kills a member amid load; what callers were told, and the time in which the others showed that they go on.
async fn one_round(
    options: &Options,
    round: usize,
    victim: &str,
    calls: &mut BTreeMap<Kind, Told>,
) -> Result<(Told, Duration), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let workers = start(options, round, victim, &stop)?;
    sleep(Duration::from_millis(2_000 + (round as u64 * 1_397) % 6_000)).await;
    control(options, "kill", victim).await?;
    let killed = Instant::now();
    let mut told = Told::default();
    if !go_on(&workers).await {
        told.wrong.push(format!("round {round}: without {victim}, calls to the others don't go on"));
    }
    let went_on = killed.elapsed();
    stop.store(true, Ordering::SeqCst);
    for Running { kind, task, .. } in workers {
        let one = task.await?;
        calls.entry(kind).or_default().add_calls(&one);
        told.add(one);
    }
    told.last = killed.elapsed();
    control(options, "start", victim).await?;
    told.compare(&names(&client(options, victim)?).await?);
    Ok((told, went_on))
}

fn start(
    options: &Options,
    round: usize,
    victim: &str,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Running>, Failure> {
    let living: Vec<&str> = MEMBERS.into_iter().filter(|member| *member != victim).collect();
    let mut workers = Vec::new();
    for kind in Kind::ALL {
        for number in 0..WORKERS {
            let (one, other) = (living[number % 2], living[(number + 1) % 2]);
            let (through, on) = match kind {
                Kind::Spared => (one, other),
                Kind::OnTheDead => (one, victim),
                Kind::ThroughTheDead => (victim, one),
            };
            let name = format!("m{round}-{}-{number}", kind as u8);
            let worker = Worker::new(client(options, through)?.on(on), name, stop);
            let whole = worker.whole.clone();
            workers.push(Running { kind, whole, task: tokio::spawn(worker.run()) });
        }
    }
    Ok(workers)
}

/// Whether each worker that has nothing to do with the dead member goes on. The first of two lives may be an old one.
async fn go_on(workers: &[Running]) -> bool {
    let spared = workers.iter().filter(|worker| worker.kind == Kind::Spared);
    let before: Vec<_> = spared.map(|worker| (worker, worker.whole.load(Ordering::SeqCst))).collect();
    let began = Instant::now();
    while began.elapsed() < BACK {
        if before.iter().all(|(worker, before)| worker.whole.load(Ordering::SeqCst) >= before + 2) {
            return true;
        }
        sleep(Duration::from_millis(50)).await;
    }
    false
}
