//! Makes an instance, runs a command in it, copies a file there and back, deletes it.
//!
//! `cargo run --example shakenfist_quickstart --features testing` does so on a built-in fake server; `-- BASE`, as
//! `-- debian:12`, on the cluster that `SHAKENFIST_API_URL`, `~/.shakenfist` or `/etc/sf/shakenfist.json` name.

use windlass::shakenfist::{Disk, ShakenFist};
use windlass::testing::FakeShakenFist;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(base) = std::env::args().nth(1) {
        return Ok(tour(&ShakenFist::discover().await?, Disk::from_base(base).size_gb(20)).await?);
    }
    let fake = FakeShakenFist::start().await?;
    Ok(tour(&fake.client()?, Disk::blank(8)).await?)
}

async fn tour(sf: &ShakenFist, disk: Disk) -> windlass::Result<()> {
    let web =
        sf.launch("windlass-tour").memory_mib(1024).disk(disk).metadata("tags", ["tour"]).send().await?;
    let web = web.on_progress(|p| println!("{p}")).await?;
    println!("{} runs on {:?}", web.name, web.node);

    let done = web.exec("echo hello from inside; exit 3").output().await?;
    print!("{} ({})", done.stdout_text(), done.status);

    web.push(b"left here\n".to_vec()).mode(0o600).to("/tmp/note").await?;
    let note = web.pull("/tmp/note").bytes().await?;
    println!("\n/tmp/note says {:?}", String::from_utf8_lossy(&note));

    for event in web.events().limit(3).await? {
        println!("{} {}", event.time, event.message);
    }
    web.delete().await
}
