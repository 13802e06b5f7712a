//! A launch with the caller's own key makes one instance, however often it is called.

use std::time::Duration;

use windlass::lambda_cloud::{Choice, Launch};
use windlass::{ErrorKind, LambdaCloud, Sent};

use super::{Outcome, fake};

const LAUNCH: &str = "POST /api/v1/instance-operations/launch";

fn job(lambda: &LambdaCloud) -> Launch {
    let launch = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").key("job-17");
    launch.reconcile_window(Duration::from_millis(60))
}

#[tokio::test]
async fn the_same_call_after_a_crash_finds_its_instance() -> Outcome {
    let (fake, lambda) = fake().await?;
    assert!(lambda.launched("job-17").await?.is_none());
    fake.on(LAUNCH).hang_after();
    let crashing = tokio::spawn(job(&lambda).send());
    while fake.launches() == 0 {
        tokio::task::yield_now().await;
    }
    crashing.abort();
    assert!(crashing.await.is_err());

    let again = fake.client()?;
    let gpu = job(&again).await?;
    assert_eq!((gpu.status.as_str(), gpu.tag("windlass-launch")), ("active", Some("job-17")));
    assert_eq!(again.launched("job-17").await?.map(|found| found.id.clone()), Some(gpu.id.clone()));
    // A search finds it too, before it looks for capacity.
    fake.no_capacity();
    let search = again.launch_when_available([Choice::of("gpu_8x_h100_sxm5")]);
    let found = search.launch(|launch| launch.ssh_key("laptop").key("job-17")).await?;
    assert_eq!((&found.id, fake.launches(), fake.requests(LAUNCH)), (&gpu.id, 1, 1));
    Ok(())
}

#[tokio::test]
async fn a_key_is_free_again_once_its_instance_is_being_terminated() -> Outcome {
    let (fake, lambda) = fake().await?;
    let first = job(&lambda).await?;
    for leaving in ["terminating", "terminated", "preempted"] {
        fake.edit_instance(&first.id, |document| document["status"] = leaving.into());
        assert!(lambda.launched("job-17").await?.is_none(), "{leaving}");
    }
    // The answer is lost, and the list still has the old one.
    fake.on(LAUNCH).drop_after();
    let second = job(&lambda).await?;
    assert_ne!(second.id, first.id);
    assert_eq!(lambda.launched("job-17").await?.map(|found| found.id.clone()), Some(second.id.clone()));
    assert_eq!(job(&lambda).await?.id, second.id);
    assert_eq!(fake.launches(), 2);
    Ok(())
}

#[tokio::test]
async fn an_unhealthy_instance_keeps_its_key() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.next_boot_ends("unhealthy");
    for _ in 0..2 {
        let e = job(&lambda).await.expect_err("it is unhealthy");
        assert_eq!((e.kind(), e.marker()), (ErrorKind::OperationFailed, Some("job-17")), "{e:?}");
    }
    assert_eq!(fake.launches(), 1);
    Ok(())
}

/// What two processes at the same time can leave: it is reported, and not made worse.
#[tokio::test]
async fn two_instances_of_one_key_are_a_conflict_that_names_both() -> Outcome {
    let (fake, lambda) = fake().await?;
    let ids = [fake.add_instance(), fake.add_instance()];
    for id in &ids {
        let tag = serde_json::json!([{"key": "windlass-launch", "value": "job-17"}]);
        fake.edit_instance(id, |document| document["tags"] = tag);
    }
    let before = fake.launches();
    for e in [lambda.launched("job-17").await.map(drop), job(&lambda).await.map(drop)] {
        let e = e.expect_err("two of them");
        assert_eq!((e.kind(), e.marker()), (ErrorKind::Conflict, Some("job-17")));
        assert!(ids.iter().all(|id| e.message().contains(id)), "{e}");
    }
    assert_eq!((fake.launches(), fake.requests(LAUNCH)), (before, 0));
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_no_key_is_refused_before_anything_is_sent() -> Outcome {
    let (fake, lambda) = fake().await?;
    for bad in ["", "a\nb", &"x".repeat(129)] {
        let e = job(&lambda).key(bad).await.expect_err("it is no key");
        assert_eq!((e.kind(), e.sent()), (ErrorKind::InvalidInput, Sent::No));
        assert_eq!(e.fields(), ["key"]);
    }
    assert!(fake.log().is_empty());
    // Without the look, nothing is launched.
    fake.on("GET /api/v1/instances")
        .always()
        .reply(403, r#"{"error":{"code":"global/account-inactive","message":"no"}}"#);
    let e = job(&lambda).await.expect_err("it can't look");
    assert_eq!((e.kind(), fake.requests(LAUNCH)), (ErrorKind::PermissionDenied, 0), "{e:?}");
    Ok(())
}
