//! A real daemon that is killed in the middle of a mixed load, again and again.
//!
//! In each round several workers launch, run commands, push, pull, stop and delete, while another one watches. The daemon is
//! killed, and started again. In the end every call has returned, and what is on the daemon is what the workers were told.

mod member;
mod told;
mod worker;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;
use windlass::incus::{Event, Incus};

use crate::options::Options;
use crate::talk::figure;
use crate::{Failure, Outcome};
use told::{Belief, Told};
use worker::Worker;

pub use member::run as run_member;

const WORKERS: usize = 6;
/// How long the daemon may take until it answers again, and until all is deleted.
const BACK: Duration = Duration::from_secs(120);

/// Runs all rounds.
pub async fn run(options: &Options) -> Outcome {
    let socket = options.socket.as_ref().ok_or("--socket is missing")?;
    let incus = Incus::unix(socket).client()?;
    let mut all = Told::default();
    for round in 0..options.rounds {
        let told = one_round(options, &incus, round).await?;
        eprintln!("round {round}: {told}");
        all.add(told);
        clear_away(&incus).await?;
    }
    figure("daemon", format!("Incus {}", options.generation));
    figure("rounds, each with a SIGKILL", options.rounds);
    all.print_calls("calls");
    all.print();
    figure("gaps that the watch told", all.gaps);
    if all.wrong.is_empty() { Ok(()) } else { Err(all.wrong.join("\n").into()) }
}

async fn one_round(options: &Options, incus: &Incus, round: usize) -> Result<Told, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch(incus.clone(), stop.clone()));
    let worker = |number| Worker::new(incus.clone(), format!("k{round}-{number}"), &stop);
    let workers: Vec<_> = (0..WORKERS).map(|number| tokio::spawn(worker(number).run())).collect();
    // Another moment in each round, of the time that a life of an instance takes.
    sleep(Duration::from_millis(300 + (round as u64 * 1_397) % 6_000)).await;
    control(options, "kill", "").await?;
    let killed = Instant::now();
    sleep(Duration::from_millis((round as u64 * 113) % 1_000)).await;
    control(options, "start", "").await?;
    stop.store(true, Ordering::SeqCst);
    let mut told = Told::default();
    for worker in join_all(workers).await {
        told.add(worker?);
    }
    told.last = killed.elapsed();
    told.gaps = watching.await??;
    let there = names(incus).await?;
    told.compare(&there);
    Ok(told)
}

/// Kills the daemon, or starts it; its containers live on. In a cluster it is that of a member.
async fn control(options: &Options, verb: &'static str, member: &str) -> Outcome {
    let (script, directory) = (options.control.clone(), Path::new(&options.directory).join(member));
    let run = move || Command::new("bash").args([&script, verb]).arg(directory).status();
    match tokio::task::spawn_blocking(run).await?? {
        status if status.success() => Ok(()),
        status => Err(format!("`{verb}` of the daemon: {status}").into()),
    }
}

/// Watches until the end of the round; the gaps that it saw.
async fn watch(incus: Incus, stop: Arc<AtomicBool>) -> Result<usize, windlass::Error> {
    let mut events = incus.watch().await?;
    let mut gaps = 0;
    loop {
        match tokio::time::timeout(Duration::from_millis(100), events.try_next()).await {
            Ok(event) => gaps += usize::from(event? == Some(Event::Gap)),
            // Over, once it has seen that the connection broke.
            Err(_) if gaps > 0 && stop.load(Ordering::SeqCst) => return Ok(gaps),
            Err(_) => {}
        }
    }
}

/// What is on the daemon, once it answers.
async fn names(incus: &Incus) -> Result<BTreeSet<String>, windlass::Error> {
    let began = Instant::now();
    loop {
        match incus.instances().names().await {
            Ok(names) => return Ok(names.iter().map(|one| one.name().to_owned()).collect()),
            Err(e) if began.elapsed() > BACK => return Err(e),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Deletes all instances. The new daemon starts some of them again, in its own time: it may take a few tries.
async fn clear_away(incus: &Incus) -> Outcome {
    let began = Instant::now();
    loop {
        let left = names(incus).await?;
        if left.is_empty() {
            return Ok(());
        }
        if began.elapsed() > BACK {
            return Err(format!("can't be deleted: {left:?}").into());
        }
        for name in left {
            if let Err(e) = incus.instance(&name).delete().force().await {
                eprintln!("not deleted yet: {e}");
            }
        }
    }
}

/// What was told of an instance, by its name.
type Beliefs = std::collections::BTreeMap<String, Belief>;
