//! Bursts on a GPU of Lambda Cloud: finds capacity, launches, waits for the address, prints how to log in and what it
//! costs, and terminates on Ctrl-C.
//!
//! ```sh
//! cargo run --example lambda_burst                                  # on a built-in fake, for nothing
//! cargo run --example lambda_burst -- SSH_KEY gpu_1x_a10 gpu_1x_h100_pcie:us-west-3   # costs money
//! ```
//!
//! The key is found as `LambdaCloud::discover` says; the types are tried in this order, each in its region or anywhere.

use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use windlass::lambda_cloud::{Choice, Instance};
use windlass::testing::FakeLambdaCloud;
use windlass::{ErrorKind, LambdaCloud};

/// Ready when it is time to stop.
type Stop = Shared<BoxFuture<'static, ()>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => rehearsal().await,
        [ssh_key, types @ ..] if !types.is_empty() => {
            let choices = types.iter().map(|text| choice(text)).collect();
            burst(&LambdaCloud::discover().await?, ssh_key, choices, interrupted()).await
        }
        _ => Err("usage: lambda_burst [SSH_KEY TYPE[:REGION]...]".into()),
    }
}

/// `gpu_1x_a10` or `gpu_1x_a10:us-west-1`.
fn choice(text: &str) -> Choice {
    match text.split_once(':') {
        Some((instance_type, region)) => Choice::of(instance_type).in_region(region),
        None => Choice::of(text).anywhere(),
    }
}

/// Listens from now on: an interrupt must not end the program while a launch is under way.
fn interrupted() -> Stop {
    let heard = tokio::spawn(async {
        // If Ctrl-C can't be heard, it must not go on costing money.
        let _ = tokio::signal::ctrl_c().await;
    });
    heard.map(drop).boxed().shared()
}

/// The same on a fake with little capacity, interrupted soon.
async fn rehearsal() -> Result<(), Box<dyn Error>> {
    let fake = FakeLambdaCloud::start().await?;
    println!("a fake Lambda Cloud at {}", fake.url());
    fake.no_capacity();
    fake.capacity("gpu_1x_h100_pcie").in_region("us-west-3").looks(true);
    fake.capacity("gpu_1x_a10").in_region("us-east-1").is_after(1, Duration::from_secs(10));
    let choices = vec![choice("gpu_1x_h100_pcie:us-west-3"), choice("gpu_1x_a10")];
    let soon = tokio::time::sleep(Duration::from_millis(300)).boxed().shared();
    burst(&fake.client()?, "laptop", choices, soon).await?;
    match fake.instances().as_slice() {
        [] => Ok(()),
        left => Err(format!("still there: {left:?}").into()),
    }
}

async fn burst(
    lambda: &LambdaCloud,
    ssh_key: &str,
    choices: Vec<Choice>,
    stop: Stop,
) -> Result<(), Box<dyn Error>> {
    let search = lambda
        .launch_when_available(choices)
        .launch(|launch| launch.ssh_key(ssh_key).name("burst"))
        .search_timeout(Duration::from_secs(3600))
        .stop_when(stop.clone())
        .on_progress(|progress| println!("  {progress}"));
    let operation = match search.send().await {
        Err(e) if e.kind() == ErrorKind::Cancelled => {
            println!("nothing was launched: {e}");
            return Ok(());
        }
        other => other?,
    };
    let ticket = operation.ticket();
    println!("accepted; to go on waiting elsewhere: {ticket}");

    let launched = lambda.instance(ticket.id());
    let started = Instant::now();
    let ready = tokio::select! {
        ready = operation.into_future() => Some(ready),
        () = stop.clone() => None,
    };
    match ready {
        Some(Ok(gpu)) => {
            show(&gpu);
            stop.await;
        }
        Some(Err(e)) => eprintln!("it didn't come up: {e}"),
        None => {}
    }
    launched.terminate().await?;
    println!("terminated after {} s", started.elapsed().as_secs());
    Ok(())
}

fn show(gpu: &Instance) {
    println!("{}", gpu.ssh_command().unwrap_or_default());
    println!(
        "{} in {} at {}; Ctrl-C terminates it",
        gpu.instance_type.name,
        gpu.region.name,
        gpu.instance_type.price()
    );
}
