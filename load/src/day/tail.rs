//! A day of a tail of logs of Koyeb.

use std::time::{Duration, SystemTime};

use windlass::Koyeb;
use windlass::koyeb::Tailed;
use windlass::testing::FakeKoyeb;

use super::{CUT, Clock, EACH, Flat, STEP, STEPS, is_cut, tell};
use crate::Outcome;
use crate::numbers::Numbers;
use crate::talk::{Client, hear, say};

/// So that no line is of the future when the day is over.
const AGO: Duration = Duration::from_secs(25 * 3_600);

pub async fn lead() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 2);
    let instances = fake.instances(&shop);
    let began = SystemTime::now() - AGO;
    let mut client = Client::start("day-tail", &fake.url(), None)?;
    client.expect("who").await?;
    client.tell(fake.token()).await?;
    client.tell(&shop).await?;
    for step in 0..STEPS {
        client.expect("step").await?;
        for second in 0..EACH {
            if is_cut(step) && second == EACH / 2 {
                cut(&fake, step / CUT).await;
            }
            let number = step * EACH + second;
            let instance = &instances[(number % 2) as usize];
            let time = began + Duration::from_secs(number);
            fake.add_log_at(instance, "stdout", &format!("line {number}"), time);
        }
        client.tell("written").await?;
    }
    client.end().await
}

/// In turn: closed properly, cut, and cut with a refusal after it.
async fn cut(fake: &FakeKoyeb, number: u64) {
    match number % 3 {
        0 => fake.close_tails(),
        1 => fake.cut_connections().await,
        _ => {
            fake.on("GET /v1/streams/logs/tail").reply(503, "<html>");
            fake.cut_connections().await;
        }
    }
}

pub async fn client(url: &str) -> Outcome {
    let mut clock = Clock::start();
    say("who");
    let koyeb = Koyeb::token(hear()).url(url).client()?;
    let mut tail = clock.during(koyeb.service(hear()).logs().tail().into_future()).await?;
    let (mut numbers, mut flat) = (Numbers::default(), Flat::default());
    for step in 0..STEPS {
        say("step");
        hear();
        while numbers.next < (step + 1) * EACH {
            match clock.during(tail.try_next()).await?.ok_or("the tail ended")? {
                Tailed::Line(line) => numbers.take(number(&line.message)),
                _ => numbers.gap(),
            }
        }
        tokio::time::advance(STEP).await;
        flat.look(step);
    }
    tell(&numbers, "lines");
    flat.tell();
    Ok(())
}

fn number(message: &str) -> u64 {
    message.strip_prefix("line ").and_then(|number| number.parse().ok()).expect("one of our lines")
}
