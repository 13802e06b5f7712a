//! Follows the logs of a service until Ctrl-C.
//!
//! ```sh
//! cargo run --example koyeb_tail_logs                      # on a built-in fake service
//! cargo run --example koyeb_tail_logs -- NAME              # finds the token as the `koyeb` command does
//! ```

use std::time::Duration;

use windlass::Koyeb;
use windlass::koyeb::{ServiceRef, Tailed};
use windlass::testing::FakeKoyeb;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    match std::env::args().nth(1) {
        None => demo().await,
        Some(name) => {
            let koyeb = Koyeb::discover().await?;
            let found = koyeb.services().name(&name).await?;
            let service = found.first().ok_or_else(|| format!("no service {name}"))?;
            follow(koyeb.service(service.id())).await
        }
    }
}

async fn follow(service: ServiceRef) -> Outcome {
    let mut tail = service.logs().tail().await?;
    let stop = tail.stopper();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.stop();
        }
    });
    while let Some(tailed) = tail.next().await {
        let Tailed::Line(line) = tailed? else {
            eprintln!("… lines may be missing here");
            continue;
        };
        let time = line.created_at.map(|time| time.format("%H:%M:%S%.3f").to_string()).unwrap_or_default();
        let instance = line.instance_id.as_deref().unwrap_or("-");
        println!("{time} {:.8} {:6} {}", instance, line.stream, line.message);
        if line.message == "bye" {
            break;
        }
    }
    Ok(())
}

/// Writes a few lines, cutting the connection in between.
async fn demo() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 2);
    let instances = fake.instances(&shop);
    let writer = fake.clone();
    tokio::spawn(async move {
        for (number, instance) in (0..6).zip(instances.iter().cycle()) {
            writer.add_log(instance, "stdout", &format!("line {number}"));
            tokio::time::sleep(Duration::from_millis(200)).await;
            if number == 2 {
                writer.close_tails();
            }
        }
        writer.add_log(&instances[0], "stderr", "bye");
    });
    follow(fake.client()?.service(shop)).await
}
