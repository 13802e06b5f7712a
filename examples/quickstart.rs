//! Launches, uses and deletes a container, on a built-in fake server or with `--incus` on the real one.
//!
//! ```sh
//! cargo run --example quickstart
//! cargo run --example quickstart -- --incus IMAGE   # an image of yours; finds the server as the `incus` command does
//! ```

use std::time::Duration;

use windlass::Incus;
use windlass::testing::FakeIncus;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let fake = FakeIncus::start().await?;
            println!("a fake Incus at {}", fake.socket().display());
            tour(&fake.client()?, "busybox").await
        }
        ["--incus", image] => tour(&Incus::discover().await?, image).await,
        _ => Err("usage: quickstart [--incus IMAGE]".into()),
    }
}

async fn tour(incus: &Incus, image: &str) -> Result<(), Box<dyn std::error::Error>> {
    let web = incus
        .launch("windlass-quickstart")
        .image(image)
        .config("user.role", "demo")
        .send()
        .await?
        .on_progress(|progress| println!("  {progress}"))
        .timeout(Duration::from_secs(300))
        .await?;
    println!("{} is {}", web.name, web.status);

    let done = web.exec(["sh", "-c", "echo out; echo err >&2; exit 7"]).output().await?;
    println!("{}: stdout {:?}, stderr {:?}", done.status, done.stdout_text(), done.stderr_text());

    for instance in incus.instances().list().all().await? {
        println!("{:24} {:10} {}", instance.name, instance.status, instance.type_);
    }
    match incus.launch("windlass-quickstart").image(image).await {
        Err(e) if e.is_already_exists() => println!("once more: {e}"),
        other => return Err(format!("a second one of that name: {other:?}").into()),
    }

    web.stop().force().await?;
    web.delete().await?;
    println!("deleted");
    Ok(())
}
