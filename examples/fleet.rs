//! The instances of several clouds in one table.
//!
//! ```sh
//! cargo run --example fleet                               # of built-in fakes of all four platforms
//! cargo run --example fleet -- incus lambda-cloud         # of the Incus of this machine, and of your account
//! cargo run --example fleet -- --json koyeb | jq .totals  # for programs
//! cargo run --example fleet -- --watch shakenfist         # a screen that refreshes until Ctrl-C
//! ```
//!
//! Server and credentials are found as the vendor's own command finds them. A cloud that doesn't answer is a line below
//! the table and doesn't hide the others.

use std::io::{self, Write};
use std::time::Duration;

use comfy_table::{Table, presets};
use serde_json::{Value, json};
use windlass::cloud::{Fleet, Listing};
use windlass::shakenfist::Disk;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{Incus, Koyeb, LambdaCloud, ShakenFist};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let args = std::env::args().skip(1);
    let (flags, names): (Vec<String>, Vec<String>) = args.partition(|arg| arg.starts_with("--"));
    let (fleet, _fakes) = if names.is_empty() { rehearsal().await? } else { (discover(&names).await?, None) };
    match flags.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => print!("{}", table(&fleet.instances().await)),
        ["--json"] => println!("{:#}", document(&fleet.instances().await)),
        ["--watch"] => tokio::select! {
            ended = watch(&fleet, Duration::from_secs(2), io::stdout()) => ended?,
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        },
        _ => return Err("usage: fleet [--json | --watch] [CLOUD...]".into()),
    }
    Ok(())
}

async fn discover(names: &[String]) -> Outcome<Fleet> {
    let mut clouds = Vec::new();
    for name in names {
        clouds.push(match name.as_str() {
            "incus" => Incus::discover().await?.into(),
            "koyeb" => Koyeb::discover().await?.into(),
            "lambda-cloud" => LambdaCloud::discover().await?.into(),
            "shakenfist" => ShakenFist::discover().await?.into(),
            _ => return Err(format!("{name} is no cloud: incus, koyeb, lambda-cloud, shakenfist").into()),
        });
    }
    Ok(Fleet::new(clouds))
}

/// The table, the clouds that failed, and the totals.
pub fn table(listing: &Listing) -> String {
    let mut instances: Vec<_> = listing.instances.iter().collect();
    instances.sort_by_key(|instance| (instance.cloud().name(), &instance.name));
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["cloud", "name", "state", "region", "addresses", "price"]);
    for instance in instances {
        let addresses: Vec<String> = instance.addresses.iter().map(ToString::to_string).collect();
        table.add_row([
            instance.cloud().name(),
            &instance.name,
            &instance.state.to_string(),
            instance.region.as_deref().unwrap_or_default(),
            &addresses.join("\n"),
            &instance.price.map(|price| price.to_string()).unwrap_or_default(),
        ]);
    }
    let errors: String = listing.errors.iter().map(|e| format!("not listed: {e}\n")).collect();
    let totals = listing.totals();
    format!("{table}\n{errors}{} instances, {}\n", totals.count(), totals.price)
}

/// The same for programs.
pub fn document(listing: &Listing) -> Value {
    let errors: Vec<String> = listing.errors.iter().map(ToString::to_string).collect();
    json!({"instances": listing.instances, "errors": errors, "totals": listing.totals()})
}

/// Shows the table again and again, each time over the last one.
pub async fn watch(fleet: &Fleet, every: Duration, mut screen: impl Write) -> io::Result<()> {
    let mut pauses = tokio::time::interval(every);
    loop {
        pauses.tick().await;
        let shown = table(&fleet.instances().timeout(Duration::from_secs(10)).await);
        write!(screen, "\x1b[H\x1b[J{shown}")?; // to the top left corner, and clear what is below
        screen.flush()?;
    }
}

/// Servers in this process, which end when they are dropped.
pub type Fakes = (FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist);

/// An instance or two on a fake of each platform.
pub async fn rehearsal() -> Outcome<(Fleet, Option<Fakes>)> {
    let fakes = (
        FakeIncus::start().await?,
        FakeKoyeb::start().await?,
        FakeLambdaCloud::start().await?,
        FakeShakenFist::start().await?,
    );
    let (incus, koyeb) = (fakes.0.client()?, fakes.1.client()?);
    let (lambda, sf) = (fakes.2.client()?, fakes.3.client()?);
    incus.launch("web").image("busybox").await?;
    fakes.1.add_service("shop", 2);
    let _boots =
        lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").name("train").send().await?;
    sf.launch("db").disk(Disk::blank(8)).await?;
    Ok((Fleet::new([incus.into(), koyeb.into(), lambda.into(), sf.into()]), Some(fakes)))
}
