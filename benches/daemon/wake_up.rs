//! How soon a caller knows of the end of an operation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Bench;
use crate::measure::median;
use windlass::incus::{Event, Events, Status};
use windlass::{Error, Incus};

type Side<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// The time between the end of an operation, by the server's word, and the moment when the caller knows.
pub(crate) fn run(bench: &Bench) {
    let own = Incus::unix(&bench.socket).client().unwrap();
    let mut events = bench.runtime.block_on(own.watch().operations().into_future()).unwrap();
    // The server's clock is this machine's.
    let mut sides: Vec<_> = sides(bench).into_iter().map(|side| (side, Vec::new())).collect();
    for _ in 0..12 {
        for ((_, run), lags) in &mut sides {
            run();
            let woken = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let ended = bench.runtime.block_on(end_of_operation(&mut events));
            lags.push((woken.as_secs_f64() - ended.as_secs_f64()) * 1e3);
        }
    }
    println!("from the end of an operation to the caller's wake-up (median of 12 rounds)");
    for ((name, _), lags) in sides {
        println!("  {name:28} {:9.2} ms", median(lags));
    }
}

fn sides(bench: &Bench) -> [Side<'_>; 4] {
    let restart = || bench.web.restart().force().send();
    let plain = async move || Ok::<_, Error>(restart().await?.await?);
    let watched = async move || Ok::<_, Error>(restart().await?.on_progress(|_| {}).await?);
    [
        ("windlass", Box::new(move || bench.runtime.block_on(plain()).unwrap())),
        ("windlass with progress", Box::new(move || bench.runtime.block_on(watched()).unwrap())),
        ("incus restart", Box::new(|| bench.incus(&["restart", "-f", "bench"]))),
        ("curl, twice", Box::new(|| curl(bench))),
    ]
}

fn curl(bench: &Bench) {
    let change = r#"{"action":"restart","force":true,"timeout":30}"#;
    let url = "http://incus/1.0/instances/bench/state";
    bench.clients.curl_wait(&bench.curl(&["-X", "PUT", "-d", change, url]));
}

/// When the next operation succeeded, by the server's clock.
async fn end_of_operation(events: &mut Events) -> Duration {
    loop {
        if let Some(Event::Operation(event)) = events.try_next().await.unwrap()
            && event.status == Status::Success
        {
            return (event.timestamp.unwrap() - chrono::DateTime::UNIX_EPOCH).to_std().unwrap();
        }
    }
}
