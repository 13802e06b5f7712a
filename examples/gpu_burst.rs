//! A burst of GPUs on Lambda Cloud: launches the cheapest that are available, says how to log in and what they cost, and
//! terminates all of them on Ctrl-C.
//!
//! ```sh
//! cargo run --example gpu_burst                    # on a built-in fake, for nothing
//! cargo run --example gpu_burst -- laptop 4 1.50   # four at up to $1.50/h each, with the SSH key `laptop`: costs money
//! ```
//!
//! The credentials are found as `LambdaCloud::discover` says.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all};
use windlass::lambda_cloud::{Choice, Instance, InstanceRef};
use windlass::testing::FakeLambdaCloud;
use windlass::{LambdaCloud, Operation, Price, WaitError};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Ready when it is time to stop.
pub type Stop = Shared<BoxFuture<'static, ()>>;

#[tokio::main]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => rehearse().await,
        [ssh_key, count, dollars] => {
            let most = Price::from_cents_per_hour((dollars.parse::<f64>()? * 100.0) as i64);
            // Heard from now on, so that an interrupted launch is cleaned up, too.
            let interrupted = tokio::spawn(tokio::signal::ctrl_c()).map(drop).boxed().shared();
            burst(&LambdaCloud::discover().await?, ssh_key, count.parse()?, most, interrupted).await
        }
        _ => Err("usage: gpu_burst [SSH_KEY COUNT DOLLARS]".into()),
    }
}

/// Launches so many instances at up to this price each, keeps them until it is time to stop, and terminates them.
pub async fn burst(lambda: &LambdaCloud, ssh_key: &str, count: usize, most: Price, stop: Stop) -> Outcome {
    let choices = cheapest(lambda, most).await?;
    let accepted = launch(lambda, ssh_key, count, &choices, &stop).await;
    let all: Vec<InstanceRef> = accepted.iter().map(|launch| lambda.instance(launch.ticket().id())).collect();
    tokio::select! {
        waited = join_all(accepted.into_iter().map(IntoFuture::into_future)) => {
            report(&waited);
            stop.await;
        }
        () = stop.clone() => {}
    }
    terminate(&all).await?;
    println!("{} terminated", all.len());
    Ok(())
}

/// What may be launched, cheapest first.
async fn cheapest(lambda: &LambdaCloud, most: Price) -> windlass::Result<Vec<Choice>> {
    let mut offers = lambda.instance_types().await?;
    offers.retain(|offer| offer.instance_type.price() <= most);
    offers.sort_by_key(|offer| offer.instance_type.price());
    Ok(offers.into_iter().map(|offer| Choice::of(offer.instance_type.name).anywhere()).collect())
}

/// Launches one after the other. What has been accepted costs money from now on, so an error doesn't lose it.
async fn launch(
    lambda: &LambdaCloud,
    ssh_key: &str,
    count: usize,
    choices: &[Choice],
    stop: &Stop,
) -> Vec<Operation<Instance>> {
    let mut accepted = Vec::new();
    for number in 1..=count {
        let search = lambda
            .launch_when_available(choices.to_vec())
            .launch(|launch| {
                launch.ssh_key(ssh_key).name(format!("burst-{number}")).label("owner", "gpu_burst")
            })
            .stop_when(stop.clone())
            .on_progress(move |progress| println!("burst-{number}: {progress}"));
        match search.send().await {
            Ok(operation) => accepted.push(operation),
            Err(e) => {
                eprintln!("burst-{number}: {e}");
                break;
            }
        }
    }
    accepted
}

fn report(waited: &[Result<Instance, WaitError>]) {
    let mut cents = 0;
    for gpu in waited {
        match gpu {
            Ok(gpu) => {
                let (kind, login) = (&gpu.instance_type, gpu.ssh_command().unwrap_or_default());
                println!("{} in {} at {}: {login}", kind.name, gpu.region.name, kind.price());
                cents += kind.price().cents_per_hour();
            }
            Err(e) => eprintln!("not usable: {e}"),
        }
    }
    println!("{} together; Ctrl-C terminates all", Price::from_cents_per_hour(cents));
}

async fn terminate(all: &[InstanceRef]) -> windlass::Result<()> {
    join_all(all.iter().map(|gpu| gpu.terminate().into_future())).await.into_iter().collect()
}

/// Three at once on a fake: the cheapest type has room for two.
pub async fn rehearse() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-east-1").is(2);
    fake.capacity("gpu_1x_gh200").in_region("us-west-3").is(5);
    let soon = tokio::time::sleep(Duration::from_secs(1)).boxed().shared();
    burst(&fake.client()?, "laptop", 3, Price::from_cents_per_hour(200), soon).await
}
