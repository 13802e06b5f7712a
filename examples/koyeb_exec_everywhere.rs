//! Runs a command on every healthy instance of a service at once, and collects exit codes.
//!
//! ```sh
//! cargo run --example koyeb_exec_everywhere                             # on a built-in fake service
//! cargo run --example koyeb_exec_everywhere -- NAME df -h /             # finds the token as the `koyeb` command does
//! ```

use futures_util::TryStreamExt;
use windlass::Koyeb;
use windlass::koyeb::{InstanceStatus, ServiceRef};
use windlass::testing::FakeKoyeb;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// How many commands run at the same time.
const AT_ONCE: usize = 16;

#[tokio::main]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        None => {
            let fake = FakeKoyeb::start().await?;
            let shop = fake.add_service("shop", 5);
            let instances = fake.instances(&shop);
            fake.set_status(&instances[4], "STOPPED");
            let script = "hostname; exit 3".to_owned();
            everywhere(fake.client()?.service(shop), &["sh".into(), "-c".into(), script]).await
        }
        Some((name, command)) if !command.is_empty() => {
            let koyeb = Koyeb::discover().await?;
            let found = koyeb.services().name(name).await?;
            let service = found.first().ok_or_else(|| format!("no service {name}"))?;
            everywhere(koyeb.service(service.id()), command).await
        }
        Some(_) => Err("usage: koyeb_exec_everywhere [NAME COMMAND…]".into()),
    }
}

async fn everywhere(service: ServiceRef, command: &[String]) -> Outcome {
    let healthy = service.instances().status(InstanceStatus::Healthy).stream();
    let runs = healthy.map_ok(|instance| async move {
        let outcome = instance.exec(command).output().await;
        Ok((instance.id.clone(), outcome))
    });
    // An instance that can't be reached doesn't keep the others from being asked.
    let mut runs = runs.try_buffer_unordered(AT_ONCE);
    let (mut good, mut bad) = (0, 0);
    while let Some((id, outcome)) = runs.try_next().await? {
        match outcome {
            Ok(done) => {
                if done.status.is_success() {
                    good += 1
                } else {
                    bad += 1
                }
                println!("{id} {}: {}", done.status, done.stdout_text().trim());
            }
            Err(e) => {
                bad += 1;
                println!("{id} {e}");
            }
        }
    }
    println!("{good} succeeded, {bad} did not");
    Ok(())
}
