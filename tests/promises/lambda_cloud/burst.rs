//! Bursts of launches: never more than asked for, within a price and a time, with a report of what runs.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use windlass::lambda_cloud::{Burst, Choice};
use windlass::testing::FakeLambdaCloud;
use windlass::{ErrorKind, LambdaCloud, Pacing, Price, Sent, WaitEnd};

use super::{Outcome, fake};
use crate::clock::{later, until};

const LAUNCH: &str = "POST /api/v1/instance-operations/launch";

fn burst(lambda: &LambdaCloud, count: usize) -> Burst {
    let launch = lambda.launch("gpu_1x_a10").ssh_key("laptop");
    launch.reconcile_window(Duration::from_millis(60)).count(count)
}

#[tokio::test]
async fn a_burst_goes_across_regions() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    for (region, count) in [("us-west-1", 2), ("us-east-1", 1), ("us-south-1", 5)] {
        fake.capacity("gpu_1x_a10").in_region(region).is(count);
    }
    let report = burst(&lambda, 5).await?;
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.running.len(), fake.launches()), (5, 5));
    let mut regions: Vec<_> = report.running.iter().map(|gpu| gpu.region.name.as_str()).collect();
    regions.sort_unstable();
    regions.dedup();
    assert!(regions.len() >= 2, "{regions:?}");
    assert_eq!(report.price(), Price::from_cents_per_hour(5 * 75));
    // A region that is set is kept to.
    let one = lambda.launch("gpu_1x_a10").region("us-south-1").ssh_key("laptop").count(1);
    let one = one.search_timeout(Duration::from_secs(20)).await?;
    assert_eq!(one.running[0].region.name, "us-south-1");
    Ok(())
}

#[tokio::test]
async fn partial_success_says_what_runs_and_why_not_more() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-west-1").is(2);
    let searching = tokio::spawn(burst(&lambda, 8).search_timeout(Duration::from_secs(300)).into_future());
    until(|| fake.launches() == 2).await;
    later(Duration::from_secs(300)).await;
    let report = searching.await??;
    let why = report.shortfall.as_ref().ok_or("it is said")?;
    assert_eq!((report.running.len(), why.kind()), (2, ErrorKind::Timeout));
    assert!(why.message().starts_with("nothing could be had within"), "{why:?}");
    assert!(report.to_string().starts_with("2 running at $1.50/h; "), "{report}");
    // Nothing at all is an error.
    let e = burst(&lambda, 8).search_timeout(Duration::from_millis(100)).await.expect_err("nothing");
    assert_eq!((e.kind(), fake.launches()), (ErrorKind::Timeout, 2));
    Ok(())
}

#[tokio::test]
async fn a_burst_costs_no_more_than_its_limit() -> Outcome {
    let (fake, lambda) = fake().await?;
    let limit = Price::from_cents_per_hour(249 + 2 * 75 + 74);
    let choices = [Choice::of("gpu_1x_h100_pcie"), Choice::of("gpu_1x_a10")];
    let search = lambda.launch_when_available(choices).launch(|launch| launch.ssh_key("laptop"));
    let report = search.count(8).price_limit(limit).await?;
    assert_eq!((report.running.len(), report.price()), (3, Price::from_cents_per_hour(249 + 2 * 75)));
    let why = report.shortfall.as_ref().ok_or("it is said")?;
    assert_eq!(why.kind(), ErrorKind::LimitExceeded, "{why}");
    assert_eq!(why.message(), "nothing fits into the limit of $4.73/h; $3.99/h are spent");
    // Too little for one, and a price that isn't known.
    let e = burst(&lambda, 1).price_limit(Price::from_cents_per_hour(74)).await.expect_err("too little");
    assert_eq!(e.kind(), ErrorKind::LimitExceeded);
    fake.on("GET /api/v1/instance-types").always().reply(503, "");
    let blind = burst(&lambda, 1).price_limit(limit).search_timeout(Duration::from_millis(100));
    assert!(blind.await.is_err());
    assert_eq!(fake.requests(LAUNCH), 3);
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_doubles_none_of_a_burst() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.on(LAUNCH).skip(1).times(2).drop_after();
    let report = burst(&lambda, 4).await?;
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.running.len(), fake.launches(), fake.requests(LAUNCH)), (4, 4, 4));
    let markers: std::collections::BTreeSet<_> =
        report.running.iter().filter_map(|gpu| gpu.tag("windlass-launch")).collect();
    assert_eq!(markers.len(), 4);
    Ok(())
}

/// There may be one more: so none is launched in its place.
#[tokio::test]
async fn an_unknown_outcome_ends_a_burst() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.on(LAUNCH).skip(2).drop_before();
    let report = burst(&lambda, 4).await?;
    let why = report.shortfall.as_ref().ok_or("it is said")?;
    assert_eq!((report.running.len(), why.kind()), (2, ErrorKind::OutcomeUnknown));
    assert!(why.marker().is_some() && !report.is_complete());
    assert_eq!((fake.launches(), fake.requests(LAUNCH)), (2, 3));
    Ok(())
}

#[tokio::test]
async fn a_burst_with_a_key_launches_only_what_is_missing() -> Outcome {
    let (fake, lambda) = fake().await?;
    let keyed = |count| lambda.launch("gpu_1x_a10").ssh_key("laptop").key("job-17").count(count);
    assert_eq!(keyed(2).await?.running.len(), 2);
    // The next run wants more, and one is gone meanwhile.
    lambda.launched("job-17/1").await?.ok_or("it is there")?.terminate().await?;
    let report = keyed(4).price_limit(Price::from_cents_per_hour(300)).await?;
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.running.len(), fake.instances().len(), fake.launches()), (4, 4, 5));
    // What is there counts for the price.
    let report = keyed(5).price_limit(Price::from_cents_per_hour(374)).await?;
    assert_eq!((report.running.len(), fake.launches()), (4, 5));
    Ok(())
}

#[tokio::test]
async fn an_instance_that_fails_is_named_beside_those_that_run() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.next_boot_ends("unhealthy");
    let report = burst(&lambda, 2).await?;
    assert_eq!((report.running.len(), report.failed.len()), (1, 1));
    let failed = &report.failed[0];
    assert_eq!(failed.end(), WaitEnd::Failed);
    assert!(fake.instances().contains(&failed.ticket().id().to_owned()));
    assert!(!report.is_complete());
    assert!(report.to_string().ends_with(&format!(", 1 failed: {failed}")), "{report}");
    fake.next_boot_ends("unhealthy");
    fake.next_boot_ends("unhealthy");
    let report = burst(&lambda, 2).await?;
    let first = report.failed.first().ok_or("none failed")?;
    assert!(report.to_string().ends_with(&format!(", 2 failed, the first: {first}")), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_burst_stands_in_the_queue_of_launches() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    let pacing = Pacing::none().launches(Duration::from_millis(150));
    let lambda = fake.connect().pacing(pacing).client()?;
    let started = Instant::now();
    let accepted = burst(&lambda, 3).send().await?;
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
    assert_eq!((accepted.operations.len(), accepted.shortfall.is_none()), (3, true));
    assert_eq!(accepted.await.running.len(), 3);
    let e = burst(&lambda, 0).await.expect_err("none");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::InvalidInput, Sent::No));
    Ok(())
}

#[tokio::test]
async fn a_burst_that_is_stopped_keeps_what_it_has() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-west-1").is(1);
    let seen = fake.clone();
    let refused = async move {
        while seen.requests(LAUNCH) < 3 && seen.requests("GET /api/v1/instance-types") < 5 {
            tokio::task::yield_now().await;
        }
    };
    let report = burst(&lambda, 4).stop_when(refused).await?;
    assert_eq!(report.shortfall.map(|e| e.kind()), Some(ErrorKind::Cancelled));
    assert_eq!((report.running.len(), fake.launches()), (1, 1));
    Ok(())
}

/// Active isn't usable: the SSH server starts later.
#[tokio::test]
async fn ssh_is_ready_once_its_server_greets() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").await?;
    fake.edit_instance(&gpu.id, |document| document["ip"] = "127.0.0.1".into());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let server = tokio::spawn(async move {
        // Something else first, then nothing at all, then the server itself.
        for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "", "SSH-2.0-OpenSSH_9.2\r\n"] {
            let (mut caller, _) = listener.accept().await?;
            caller.write_all(answer.as_bytes()).await?;
        }
        std::io::Result::Ok(())
    });
    let ready = gpu.until_ssh_ready_on(port).await?;
    assert_eq!(ready.id, gpu.id);
    // All three have been asked by then.
    tokio::time::timeout(Duration::from_secs(60), server)
        .await
        .map_err(|_| "ready before the greeting")???;
    // Nothing listens: the wait ends by its limit.
    let e = gpu.until_ssh_ready_on(port).timeout(Duration::from_millis(50)).await.expect_err("closed");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    // What is terminated won't answer.
    drop(lambda.instance(&gpu.id).terminate().send().await?);
    let e = gpu.until_ssh_ready_on(port).await.expect_err("it is gone");
    assert_eq!(e.end(), WaitEnd::Failed, "{e:?}");
    Ok(())
}
