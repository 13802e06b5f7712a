//! Asks an instance to reboot, and resets it where the guest doesn't care.
//!
//! `cargo run --example shakenfist_reboot --features testing` does so on a built-in fake server, whose guest is deaf;
//! `-- NAME` on an instance of the cluster that `SHAKENFIST_API_URL`, `~/.shakenfist` or `/etc/sf/shakenfist.json` name.

use std::time::Duration;

use windlass::shakenfist::{Disk, InstanceRef, ShakenFist};
use windlass::testing::FakeShakenFist;
use windlass::{WaitEnd, shakenfist};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(name) = std::env::args().nth(1) {
        let sf = ShakenFist::discover().await?;
        return Ok(reboot(&sf.instance(name), Duration::from_secs(60)).await?);
    }
    let fake = FakeShakenFist::start().await?;
    fake.deaf_guests();
    let sf = fake.client()?;
    let web = sf.create("web").disk(Disk::blank(8)).await?;
    web.agent_ready().await?;
    reboot(&sf.instance(&web.uuid), Duration::from_secs(2)).await?;
    Ok(())
}

async fn reboot(instance: &InstanceRef, patience: Duration) -> windlass::Result<()> {
    let soft = instance.reboot_soft().send().await?.on_progress(|p| println!("{p}")).timeout(patience).await;
    let back: shakenfist::Instance = match soft {
        Ok(back) => back,
        Err(e) if e.end() == WaitEnd::OutOfTime => {
            println!("it doesn't care: resetting it");
            instance.reboot_hard().await?
        }
        Err(e) => return Err(e.into()),
    };
    println!("{} booted at {:?}", back.name, back.agent_system_boot_time);
    Ok(())
}
