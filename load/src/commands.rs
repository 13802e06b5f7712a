//! Many commands at the same time, each with input, output of both kinds, and a status.

use std::time::Instant;

use futures_util::future::try_join_all;
use windlass::Error;
use windlass::incus::{Incus, Instance};
use windlass::testing::FakeIncus;

use crate::options::Options;
use crate::talk::{Client, figure, hear, say};
use crate::{Outcome, meter};

/// On the fake.
const MANY: usize = 2_000;
/// On a real daemon.
const REAL: usize = 200;
const INPUT: usize = 1_000;

pub async fn lead(options: &Options) -> Outcome {
    let fake = FakeIncus::start().await?;
    let own = fake.socket().display().to_string();
    let (socket, count) = match &options.socket {
        Some(socket) => (socket, REAL),
        None => (&own, MANY),
    };
    if options.socket.is_some() {
        figure("daemon", format!("Incus {}", options.generation));
    }
    let mut client = Client::start("commands", socket, None)?;
    client.expect("ready").await?;
    client.tell(&count.to_string()).await?;
    client.end().await
}

pub async fn client(socket: &str) -> Outcome {
    let incus = Incus::unix(socket).client()?;
    let web = incus.launch(format!("load-{}", std::process::id())).image("busybox").await?;
    web.exec(["true"]).output().await?.success()?;
    let idle = meter::resident();
    say("ready");
    let count = hear().parse()?;
    let started = Instant::now();
    try_join_all((0..count).map(|number| command(&web, number))).await?;
    figure("commands at once, each byte and status right", count);
    figure("time for all", format!("{:.1} s", started.elapsed().as_secs_f64()));
    figure("memory at most, above idle", meter::more(meter::peak(), idle));
    web.delete().force().await?;
    Ok(())
}

async fn command(web: &Instance, number: usize) -> Result<(), Error> {
    let input: Vec<u8> = (0..INPUT).map(|at| (at + number) as u8).collect();
    let script = format!("cat; echo {number} >&2; exit {}", number % 100);
    let output = web.exec(["sh", "-c", &script]).stdin(input.clone()).output().await?;
    assert_eq!((output.status.code(), output.stderr_text()), ((number % 100) as i32, format!("{number}\n")));
    assert!(output.stdout == input, "command {number}: other bytes than were sent");
    Ok(())
}
