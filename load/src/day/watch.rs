//! A day of a watch of events of Incus.

use serde_json::json;
use windlass::Incus;
use windlass::incus::Event;
use windlass::testing::FakeIncus;

use super::{CUT, Clock, EACH, Flat, STEP, STEPS, is_cut, tell};
use crate::Outcome;
use crate::numbers::Numbers;
use crate::talk::{Client, hear, say};

pub async fn lead() -> Outcome {
    let fake = FakeIncus::start().await?;
    let mut client = Client::start("day-watch", &fake.socket().display().to_string(), None)?;
    for step in 0..STEPS {
        client.expect("step").await?;
        for second in 0..EACH {
            if is_cut(step) && second == EACH / 2 {
                cut(&fake, step / CUT).await;
            }
            let number = step * EACH + second;
            let event = json!({"action": "instance-updated", "source": "/1.0/instances/web",
                "context": {"number": number}});
            fake.send_event("lifecycle", &event);
        }
        client.tell("sent").await?;
    }
    client.end().await
}

/// In turn: cut, cut with all other connections, and cut with a refusal after it.
async fn cut(fake: &FakeIncus, number: u64) {
    match number % 3 {
        0 => fake.kill_events(),
        1 => fake.cut_connections().await,
        _ => {
            fake.on("GET /1.0/events").reply(503, "busy");
            fake.kill_events();
        }
    }
}

pub async fn client(socket: &str) -> Outcome {
    let mut clock = Clock::start();
    let incus = Incus::unix(socket).client()?;
    let mut events = clock.during(incus.watch().lifecycle().into_future()).await?;
    let (mut numbers, mut flat) = (Numbers::default(), Flat::default());
    for step in 0..STEPS {
        say("step");
        hear();
        let gaps = numbers.gaps;
        // What is sent during a cut is lost; the gap that says so comes with the next connection.
        while if is_cut(step) { numbers.gaps == gaps } else { numbers.next < (step + 1) * EACH } {
            match clock.during(events.try_next()).await?.ok_or("the events ended")? {
                Event::Lifecycle(event) => numbers.take(event.context["number"].as_u64().expect("a number")),
                Event::Gap => numbers.gap(),
                other => panic!("{other:?}"),
            }
        }
        tokio::time::advance(STEP).await;
        flat.look(step);
    }
    tell(&numbers, "events, the last number");
    flat.tell();
    Ok(())
}
