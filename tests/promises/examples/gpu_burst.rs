//! `examples/gpu_burst.rs`.

#[path = "../../../examples/gpu_burst.rs"]
#[allow(dead_code)]
mod program;

use std::time::Duration;

use futures_util::FutureExt;
use program::{Stop, burst};
use serde_json::Value;
use windlass::Price;
use windlass::testing::FakeLambdaCloud;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The cheapest type has room for two, the second cheapest for five. A machine without GPUs is cheaper.
async fn fake() -> std::io::Result<FakeLambdaCloud> {
    let fake = FakeLambdaCloud::start().await?;
    fake.no_capacity();
    fake.capacity("cpu_4x_general").in_region("us-east-1").is(5);
    fake.capacity("gpu_1x_a10").in_region("us-east-1").is(2);
    fake.capacity("gpu_1x_gh200").in_region("us-west-3").is(5);
    Ok(fake)
}

/// When so many are active.
fn when_active(fake: &FakeLambdaCloud, count: usize) -> Stop {
    let fake = fake.clone();
    let active = move || fake.all_instances().iter().filter(|gpu| gpu["status"] == "active").count();
    let reached = async move {
        while active() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    reached.boxed().shared()
}

/// The types of all that were launched.
fn types(fake: &FakeLambdaCloud) -> Vec<String> {
    let all = fake.all_instances();
    let mut types: Vec<_> =
        all.iter().filter_map(|gpu| gpu["instance_type"]["name"].as_str()).map(str::to_owned).collect();
    types.sort();
    types
}

#[tokio::test]
async fn the_cheapest_come_first_and_all_are_terminated() -> Outcome {
    let fake = fake().await?;
    let most = Price::from_cents_per_hour(300);
    burst(&fake.client()?, "laptop", 3, most, async |_| {}, when_active(&fake, 3)).await?;
    assert_eq!(types(&fake), ["gpu_1x_a10", "gpu_1x_a10", "gpu_1x_gh200"]);
    assert_eq!(fake.instances(), [""; 0]);
    let named = |gpu: &Value| gpu["name"].as_str().is_some_and(|name| name.starts_with("burst-"));
    assert!(fake.all_instances().iter().all(named));
    Ok(())
}

#[tokio::test]
async fn what_costs_more_is_not_launched() -> Outcome {
    let fake = fake().await?;
    let most = Price::from_cents_per_hour(200);
    burst(&fake.client()?, "laptop", 3, most, async |_| {}, when_active(&fake, 2)).await?;
    assert_eq!(types(&fake), ["gpu_1x_a10", "gpu_1x_a10"]);
    assert_eq!(fake.instances(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn interrupted_at_once_it_leaves_nothing() -> Outcome {
    let fake = fake().await?;
    let most = Price::from_cents_per_hour(200);
    let at_once = std::future::ready(()).boxed().shared();
    burst(&fake.client()?, "laptop", 3, most, async |_| {}, at_once).await?;
    assert_eq!(fake.instances(), [""; 0]);
    Ok(())
}
