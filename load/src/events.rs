//! A flood of events for a slow reader: all of them, or a gap where some are missing.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;
use windlass::incus::{Event, Events, Incus};
use windlass::testing::FakeIncus;

use crate::numbers::Numbers;
use crate::talk::{Client, figure, hear, say};
use crate::{Outcome, meter};

const RATE: u64 = 100_000;
const SECONDS: u64 = 5;
/// In one piece, a hundred times a second.
const PIECE: u64 = RATE / 100;
/// The reader pauses after so many.
const STRIDE: u64 = 1_000;
const PAUSE: Duration = Duration::from_millis(25);

pub async fn lead() -> Outcome {
    let fake = FakeIncus::start().await?;
    let mut client = Client::start("events", &fake.socket().display().to_string(), None)?;
    client.expect("ready").await?;
    let rate = flood(&fake, 0, SECONDS).await;
    figure("events a second, sent", format!("{rate:.0}"));
    client.expect("all").await?;
    client.tell("again").await?;
    // The server cuts off a reader that lags.
    flood(&fake, RATE * SECONDS, 2).await;
    fake.kill_events();
    flood(&fake, RATE * (SECONDS + 2), 1).await;
    while fake.event_listeners() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    flood(&fake, RATE * (SECONDS + 3), 1).await;
    send(&fake, "instance-deleted", 0);
    client.end().await
}

/// Sends for so many seconds; returns the rate.
async fn flood(fake: &FakeIncus, from: u64, seconds: u64) -> f64 {
    let (started, mut sent) = (Instant::now(), 0);
    while sent < RATE * seconds {
        for number in sent..sent + PIECE {
            send(fake, "instance-updated", from + number);
        }
        sent += PIECE;
        let due = Duration::from_micros(sent * 1_000_000 / RATE);
        sleep(due.saturating_sub(started.elapsed())).await;
    }
    sent as f64 / started.elapsed().as_secs_f64()
}

fn send(fake: &FakeIncus, action: &str, number: u64) {
    let event = json!({"action": action, "source": "/1.0/instances/web", "context": {"number": number}});
    fake.send_event("lifecycle", &event);
}

pub async fn client(socket: &str) -> Outcome {
    let mut events = Incus::unix(socket).client()?.watch().lifecycle().await?;
    let idle = meter::resident();
    say("ready");
    let started = Instant::now();
    let mut numbers = Numbers::default();
    while numbers.next < RATE * SECONDS {
        assert!(read(&mut numbers, &mut events).await?, "it goes on");
    }
    assert_eq!((numbers.gaps, numbers.missed), (0, 0), "nothing was cut");
    let rate = numbers.next as f64 / started.elapsed().as_secs_f64();
    figure("events a second, read by the slow reader", format!("{rate:.0}"));
    figure("events, none missing", numbers.next);
    say("all");
    hear();
    while read(&mut numbers, &mut events).await? {}
    assert_eq!(numbers.gaps, 1, "cut once");
    figure("events missing after a cut, all of them where `Gap` says so", numbers.missed);
    figure("memory at most, above idle", meter::more(meter::peak(), idle));
    Ok(())
}

/// Reads one event; false if it was the last.
async fn read(numbers: &mut Numbers, events: &mut Events) -> Result<bool, windlass::Error> {
    match events.try_next().await?.expect("it has no end") {
        Event::Gap => numbers.gap(),
        Event::Lifecycle(event) if event.action.to_string() == "instance-updated" => {
            let number = event.context["number"].as_u64().expect("a number");
            numbers.take(number);
            if number % STRIDE == 0 {
                sleep(PAUSE).await;
            }
        }
        Event::Lifecycle(_) => return Ok(false),
        other => panic!("{other:?}"),
    }
    Ok(true)
}
