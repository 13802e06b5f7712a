//! Finding capacity on Lambda Cloud, and keeping to its limits.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use windlass::lambda_cloud::{Choice, ErrorCode, LaunchWhenAvailable};
use windlass::testing::FakeLambdaCloud;
use windlass::{ErrorKind, LambdaCloud, Pacing, Retry, Sent};

use super::{Outcome, fake};
use crate::clock::{later, until};

type Lines = Arc<Mutex<Vec<String>>>;

const LAUNCH: &str = "POST /api/v1/instance-operations/launch";
const TYPES: &str = "GET /api/v1/instance-types";
const LIST: &str = "GET /api/v1/instances";

fn h100() -> Choice {
    Choice::of("gpu_1x_h100_pcie").in_region("us-west-3")
}

fn a10() -> Choice {
    Choice::of("gpu_1x_a10").in_region("us-west-1")
}

/// A search that writes down what it was told.
fn search(lambda: &LambdaCloud, choices: &[Choice]) -> (LaunchWhenAvailable, Lines) {
    let lines = Lines::default();
    let told = lines.clone();
    let search = lambda
        .launch_when_available(choices.iter().cloned())
        .launch(|launch| launch.ssh_key("laptop").reconcile_window(Duration::from_millis(30)))
        .on_progress(move |progress| told.lock().unwrap().push(progress.to_string()));
    (search, lines)
}

#[tokio::test]
async fn a_refusal_moves_on_to_the_next_choice() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    // What is listed can be had no longer; what comes second can.
    fake.capacity("gpu_1x_h100_pcie").in_region("us-west-3").looks(true);
    fake.capacity("gpu_1x_a10").in_region("us-west-1").is(1);
    let (search, lines) = search(&lambda, &[h100(), a10()]);
    let gpu = search.await?;
    assert_eq!((gpu.instance_type.name.as_str(), gpu.region.name.as_str()), ("gpu_1x_a10", "us-west-1"));
    let lines = lines.lock().unwrap().clone();
    assert_eq!(
        lines[..2],
        ["gpu_1x_h100_pcie in us-west-3: no capacity", "gpu_1x_a10 in us-west-1: accepted"]
    );
    assert!(lines.last().is_some_and(|line| line.ends_with(": active")), "{lines:?}");
    assert_eq!((fake.requests(LAUNCH), fake.launches()), (2, 1));
    Ok(())
}

#[tokio::test]
async fn the_first_choice_that_is_listed_is_tried_first() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-west-1").is(1);
    search(&lambda, &[h100(), a10()]).0.await?;
    assert_eq!((fake.requests(LAUNCH), fake.requests(TYPES)), (1, 1));
    Ok(())
}

#[tokio::test]
async fn capacity_that_comes_later_is_waited_for() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-south-1").is_after(1, Duration::from_secs(40));
    let gpu = search(&lambda, &[h100(), Choice::of("gpu_1x_a10").anywhere()]).0.await?;
    assert_eq!(gpu.region.name, "us-south-1");
    assert_eq!(fake.launches(), 1);
    Ok(())
}

#[tokio::test]
async fn what_is_not_listed_is_tried_too() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-west-1").is(1).looks(false);
    let (search, lines) = search(&lambda, &[h100(), a10()]);
    let gpu = search.await?;
    assert_eq!(gpu.instance_type.name, "gpu_1x_a10");
    assert_eq!(lines.lock().unwrap()[0], "gpu_1x_h100_pcie in us-west-3: no capacity");
    assert_eq!(fake.requests(LAUNCH), 2);
    Ok(())
}

#[tokio::test]
async fn a_launch_on_its_way_at_the_deadline_still_gets_its_answer() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-west-1").is(1);
    fake.on(LAUNCH).delay(Duration::from_secs(25));
    let search = search(&lambda, &[a10()]).0.search_timeout(Duration::from_secs(20));
    let searching = tokio::spawn(search.into_future());
    until(|| fake.requests(LAUNCH) == 1).await;
    later(Duration::from_secs(22)).await;
    assert_eq!(fake.launches(), 0);
    later(Duration::from_secs(3)).await;
    let gpu = searching.await??;
    assert_eq!(gpu.instance_type.name, "gpu_1x_a10");
    assert_eq!((fake.requests(LAUNCH), fake.launches()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn the_deadline_ends_the_search_with_all_that_was_tried() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    let search = search(&lambda, &[h100(), a10()]).0.search_timeout(Duration::from_secs(300));
    let searching = tokio::spawn(search.into_future());
    until(|| fake.requests(LAUNCH) >= 3).await;
    assert!(!searching.is_finished());
    later(Duration::from_secs(300)).await;
    let e = searching.await?.expect_err("there is nothing");
    assert_eq!(e.kind(), ErrorKind::Timeout);
    assert!(e.code_is(ErrorCode::InsufficientCapacity), "{e:?}");
    for choice in [h100(), a10()] {
        assert!(e.message().contains(&format!("{choice}: no capacity")), "{e}");
    }
    assert_eq!(fake.launches(), 0);
    Ok(())
}

#[tokio::test]
async fn an_unknown_outcome_ends_the_search() -> Outcome {
    for fault in 0..3 {
        let (fake, lambda) = fake().await?;
        match fault {
            0 => fake.on(LAUNCH).drop_before(),
            1 => fake.on(LAUNCH).reply(503, ""),
            _ => fake.on(LAUNCH).reply(200, r#"{"data":{"instance_ids":["a","b"]}}"#),
        };
        let e = search(&lambda, &[h100(), a10()]).0.await.expect_err("who knows");
        assert!(e.marker().is_some(), "{e:?}");
        assert_eq!((fake.requests(LAUNCH), fake.launches()), (1, 0));
    }
    let (fake, lambda) = fake().await?;
    fake.on(LAUNCH).drop_after();
    search(&lambda, &[h100(), a10()]).0.await?;
    assert_eq!((fake.requests(LAUNCH), fake.launches()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_search_that_is_stopped_leaves_nothing_behind() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.no_capacity();
    let (search, lines) = search(&lambda, &[h100()]);
    let tried = async move {
        while lines.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let e = search.stop_when(tried).await.expect_err("stopped");
    assert_eq!((e.kind(), fake.launches()), (ErrorKind::Cancelled, 0));
    assert!(e.message().contains("no capacity"), "{e}");
    // What is under way is seen through, and given back.
    fake.capacity("gpu_1x_h100_pcie").in_region("us-west-3").is(1);
    fake.on(LAUNCH).drop_after();
    let watched = fake.clone();
    let before = fake.requests(LAUNCH);
    let under_way = async move {
        while watched.requests(LAUNCH) == before {
            tokio::task::yield_now().await;
        }
    };
    let search = lambda.launch_when_available([h100()]).launch(|launch| launch.ssh_key("laptop"));
    let gpu = search.stop_when(under_way).await?;
    assert_eq!(fake.instances(), [gpu.id.as_str()]);
    Ok(())
}

#[tokio::test]
async fn what_time_will_not_cure_is_given_up() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.quota(0);
    let e = search(&lambda, &[h100(), a10()]).0.await.expect_err("no quota");
    assert_eq!((e.kind(), fake.requests(LAUNCH)), (ErrorKind::QuotaExceeded, 2));
    fake.deactivate_account();
    let e = search(&lambda, &[h100(), a10()]).0.await.expect_err("no account");
    assert_eq!((e.kind(), fake.requests(LAUNCH)), (ErrorKind::PermissionDenied, 2));
    for wrong in [vec![], vec![Choice::of("")], vec![a10().in_region("")]] {
        let e = search(&lambda, &wrong).0.await.expect_err("no choice");
        assert_eq!((e.kind(), e.fields()), (ErrorKind::InvalidInput, &["choices".to_owned()][..]));
    }
    let before = fake.log().len();
    let e = lambda.launch_when_available([a10()]).await.expect_err("no key");
    assert_eq!((e.fields(), fake.log().len()), (&["ssh_key_names".to_owned()][..], before));
    Ok(())
}

#[tokio::test]
async fn an_edge_that_refuses_is_no_end_of_the_search() -> Outcome {
    let (fake, lambda) = fake().await?;
    let lambda = lambda.with(Retry::never());
    fake.on(TYPES).times(2).reply(502, "");
    fake.on(LAUNCH).times(3).reply(429, "<html>error code: 1015</html>");
    search(&lambda, &[a10()]).0.await?;
    assert_eq!((fake.requests(LAUNCH), fake.launches()), (4, 1));
    Ok(())
}

#[tokio::test]
async fn the_service_limits_are_kept_to_across_handles() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    let pacing = Pacing::new(Duration::from_millis(60)).launches(Duration::from_millis(300));
    let one = fake.connect().pacing(pacing).client()?;
    let two = fake.connect().pacing(pacing).client()?.with(Retry::never());
    let started = Instant::now();
    let (a, b, c) = tokio::join!(one.regions(), two.regions(), one.raw().regions_list().send());
    assert_eq!((a?.len(), b?.len(), c?.len()), (4, 4, 4));
    assert!(started.elapsed() >= Duration::from_millis(120), "{:?}", started.elapsed());
    let launch =
        |lambda: &LambdaCloud| lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").send();
    let started = Instant::now();
    let (a, b) = tokio::join!(launch(&one), launch(&two));
    drop((a?, b?));
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
    Ok(())
}

#[tokio::test]
async fn waiting_for_a_turn_counts_against_the_limit_and_sends_nothing() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    let pacing = Pacing::none().launches(Duration::from_secs(1_000));
    let lambda = fake.connect().pacing(pacing).client()?;
    let launch = |lambda: &LambdaCloud| lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop");
    drop(launch(&lambda).send().await?);
    let hasty = lambda.with(Retry::default().total(Duration::from_millis(50)));
    let started = Instant::now();
    let e = launch(&hasty).await.expect_err("its turn is far off");
    assert!(started.elapsed() < Duration::from_secs(900), "{:?}", started.elapsed());
    assert_eq!((e.kind(), e.sent(), e.attempts()), (ErrorKind::Timeout, Sent::No, 0));
    assert!(e.is_repeatable() && e.marker().is_none(), "{e:?}");
    // Giving up is possible at any time, and no search follows for what was never sent.
    let patient = launch(&lambda).send();
    assert!(tokio::time::timeout(Duration::from_millis(50), patient).await.is_err());
    assert_eq!((fake.requests(LAUNCH), fake.requests(LIST), fake.launches()), (1, 0, 1));
    // Other calls pass by.
    lambda.regions().await?;
    Ok(())
}

#[tokio::test]
async fn repetitions_stand_in_the_queue_too() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    let lambda = fake.connect().pacing(Pacing::new(Duration::from_millis(100))).client()?;
    fake.on("GET /api/v1/regions").times(2).reply(502, "");
    let started = Instant::now();
    lambda.regions().await?;
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
    assert_eq!(fake.requests("GET /api/v1/regions"), 3);
    Ok(())
}

#[tokio::test]
async fn a_service_that_enforces_its_limits_refuses_in_html() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.enforce_limits();
    fake.tick(Duration::ZERO);
    lambda.regions().await?;
    let once = lambda.with(Retry::never());
    let e = once.regions().await.expect_err("too fast");
    assert_eq!((e.kind(), e.status(), e.code()), (ErrorKind::RateLimited, Some(429), None));
    assert!(!e.to_string().contains('<') && e.body().starts_with(b"<!DOCTYPE"), "{e}");
    fake.advance(Duration::from_secs(1));
    once.regions().await?;
    fake.advance(Duration::from_secs(1));
    let launch = || once.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").send();
    drop(launch().await?);
    fake.advance(Duration::from_secs(11));
    assert_eq!(launch().await.map(drop).map_err(|e| e.kind()), Err(ErrorKind::RateLimited));
    fake.advance(Duration::from_secs(1));
    drop(launch().await?);
    assert_eq!(fake.launches(), 2);
    Ok(())
}
