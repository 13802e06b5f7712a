//! Asks an instance to reboot, and resets it if the guest doesn't react.
//!
//! `cargo run --example shakenfist_reboot --features testing` does so on a built-in fake server, whose guest ignores it;
//! `-- NAME` on an instance of the cluster that `SHAKENFIST_API_URL`, `~/.shakenfist` or `/etc/sf/shakenfist.json` name.

use std::time::Duration;

use windlass::WaitEnd;
use windlass::shakenfist::{Disk, InstanceRef, ShakenFist};
use windlass::testing::FakeShakenFist;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(name) = std::env::args().nth(1) {
        let sf = ShakenFist::discover().await?;
        return Ok(reboot(&sf.instance(name), Duration::from_secs(60)).await?);
    }
    let fake = FakeShakenFist::start().await?;
    fake.deaf_guests();
    let sf = fake.client()?;
    let web = sf.launch("web").disk(Disk::blank(8)).await?;
    web.until_agent_ready().await?;
    reboot(&sf.instance(&web.uuid), Duration::from_secs(2)).await?;
    Ok(())
}

async fn reboot(instance: &InstanceRef, patience: Duration) -> windlass::Result<()> {
    let soft = instance.reboot_soft().send().await?.on_progress(|p| println!("{p}")).timeout(patience).await;
    match soft {
        Ok(()) => {}
        Err(e) if e.end() == WaitEnd::OutOfTime => {
            println!("the guest doesn't react: resetting it");
            instance.reboot_hard().await?;
        }
        Err(e) => return Err(e.into()),
    }
    let back = instance.get().await?;
    println!("{} booted at {:?}", back.name, back.agent_system_boot_time);
    Ok(())
}
