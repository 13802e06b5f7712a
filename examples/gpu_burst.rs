//! A burst of GPUs on Lambda Cloud: launches the cheapest that are available, says how to log in and what they cost, and
//! terminates all of them on Ctrl-C.
//!
//! ```sh
//! cargo run --example gpu_burst                  # on a built-in fake, for nothing
//! cargo run --example gpu_burst -- laptop 4 6.00 # four for up to $6.00/h together, with the SSH key `laptop`: costs money
//! ```
//!
//! The credentials are found as `LambdaCloud::discover` says.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all};
use windlass::cloud::Cleanup;
use windlass::lambda_cloud::{BurstReport, Choice, Instance};
use windlass::testing::FakeLambdaCloud;
use windlass::{ErrorKind, LambdaCloud, Price};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Ready when it is time to stop.
pub type Stop = Shared<BoxFuture<'static, ()>>;

#[tokio::main]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => rehearse().await,
        [ssh_key, count, dollars] => {
            let most = dollars.parse()?;
            // Heard from now on, so that an interrupted launch is cleaned up, too.
            let interrupted = tokio::spawn(tokio::signal::ctrl_c()).map(drop).boxed().shared();
            let lambda = LambdaCloud::discover().await?;
            burst(&lambda, ssh_key, count.parse()?, most, log_in, interrupted).await
        }
        _ => Err("usage: gpu_burst [SSH_KEY COUNT DOLLARS]".into()),
    }
}

/// Launches so many instances for up to this price together, works with them until it is time to stop, and terminates
/// them.
pub async fn burst(
    lambda: &LambdaCloud,
    ssh_key: &str,
    count: usize,
    most: Price,
    work: impl AsyncFn(&BurstReport),
    stop: Stop,
) -> Outcome {
    let cleanup = Cleanup::new(format!("burst-{:08x}", rand::random::<u32>()));
    let wanted = lambda
        .launch_when_available(cheapest(lambda).await?)
        .launch(|launch| launch.ssh_key(ssh_key).name(cleanup.owner()))
        .count(count)
        .price_limit(most)
        .stop_when(stop.clone())
        .on_progress(|progress| println!("{progress}"));
    let working = async {
        let launched = cleanup.launch(wanted).await?;
        println!("{launched}; Ctrl-C terminates all");
        work(&launched).await;
        stop.clone().await;
        Ok(())
    };
    let (worked, report) = cleanup.run(until(stop.clone(), working)).await;
    println!("{report}");
    match worked {
        _ if !report.is_success() => Err(format!("reap what {} owns", cleanup.owner()).into()),
        Err(e) if e.kind() != ErrorKind::Cancelled => Err(e.into()),
        _ => Ok(()),
    }
}

async fn until(stop: Stop, work: impl Future<Output = windlass::Result<()>>) -> windlass::Result<()> {
    tokio::select! {
        worked = work => worked,
        () = stop => Ok(()),
    }
}

/// What may be launched, cheapest first. The service also sells machines without GPUs.
async fn cheapest(lambda: &LambdaCloud) -> windlass::Result<Vec<Choice>> {
    let mut offers = lambda.instance_types().await?;
    offers.retain(|offer| offer.instance_type.specs.as_ref().is_some_and(|specs| specs.gpus > 0));
    offers.sort_by_key(|offer| offer.instance_type.price());
    Ok(offers.into_iter().map(|offer| Choice::of(offer.instance_type.name).anywhere()).collect())
}

/// Says how to log in to each, as soon as it answers.
async fn log_in(launched: &BurstReport) {
    let each = launched.running.iter().map(|gpu| async {
        match gpu.until_ssh_ready().await {
            Ok(gpu) => show(&gpu),
            Err(e) => eprintln!("{e}"),
        }
    });
    join_all(each).await;
}

fn show(gpu: &Instance) {
    let (kind, login) = (&gpu.instance_type, gpu.ssh_command().unwrap_or_default());
    println!("{} in {} at {}: {login}", kind.name, gpu.region.name, kind.price());
}

/// Three at once on a fake: the cheapest type has room for two. No SSH server answers there.
pub async fn rehearse() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-east-1").is(2);
    fake.capacity("gpu_1x_gh200").in_region("us-west-3").is(5);
    let soon = tokio::time::sleep(Duration::from_secs(1)).boxed().shared();
    let show_all = async |launched: &BurstReport| launched.running.iter().for_each(show);
    burst(&fake.client()?, "laptop", 3, Price::from_cents_per_hour(300), show_all, soon).await
}
