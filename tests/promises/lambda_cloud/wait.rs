//! Waits on Lambda Cloud end: in time, on every state, and whatever becomes of the service.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass::lambda_cloud::{ErrorCode, Instance, InstanceStatus, Launch};
use windlass::testing::FakeLambdaCloud;
use windlass::{ErrorKind, LambdaCloud, WaitEnd};

use super::{Outcome, fake};

const LIST: &str = "GET /api/v1/instances";
const GET: &str = "GET /api/v1/instances/{id}";
const RESTART: &str = "POST /api/v1/instance-operations/restart";
const TERMINATE: &str = "POST /api/v1/instance-operations/terminate";

fn a10(lambda: &LambdaCloud) -> Launch {
    lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop")
}

#[tokio::test]
async fn active_is_not_enough_without_an_address() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.address_delay(Duration::from_secs(20));
    let gpu = a10(&lambda).await?;
    assert_eq!(gpu.status, InstanceStatus::Active);
    let address = gpu.address().ok_or("no address")?;
    assert_eq!(gpu.ssh_command(), Some(format!("ssh ubuntu@{address}")));
    assert!(fake.requests(LIST) >= 20, "{}", fake.requests(LIST));
    Ok(())
}

#[tokio::test]
async fn an_instance_that_another_process_launched_is_waited_for() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.address_delay(Duration::from_secs(20));
    let launch = a10(&lambda).send().await?;
    let booting = lambda.instance(launch.ticket().id()).get().await?;
    assert_eq!((booting.status.clone(), booting.address()), (InstanceStatus::Booting, None));
    let gpu = booting.until_active().await?;
    assert!(gpu.status == InstanceStatus::Active && gpu.address().is_some(), "{gpu:?}");
    let ticket = gpu.until_active().ticket().to_string().parse()?;
    assert_eq!(lambda.resume::<Instance>(&ticket)?.await?.id, gpu.id);
    assert_eq!(serde_json::to_value(&gpu)?["id"], gpu.id.as_str(), "a handle is stored as its data");
    fake.next_boot_ends("preempted");
    let lost = lambda.instance(a10(&lambda).send().await?.ticket().id());
    assert_eq!(lost.until_active().await.expect_err("preempted").end(), WaitEnd::Failed);
    Ok(())
}

#[tokio::test]
async fn every_state_that_is_an_end_ends_the_wait() -> Outcome {
    for status in ["terminated", "terminating", "preempted", "unhealthy"] {
        let (fake, lambda) = fake().await?;
        fake.next_boot_ends(status);
        let e = a10(&lambda).send().await?.await.expect_err("it won't get there");
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed), "{status}");
        assert!(e.to_string().contains(e.ticket().id()), "{e}");
        assert_eq!(e.error().api(), "lambda-cloud");
        assert_eq!(fake.instances().len(), usize::from(status == "unhealthy"));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_unhealthy_can_be_waited_out() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.next_boot_ends("unhealthy");
    let healer = fake.clone();
    let waiting = a10(&lambda).wait_out_unhealthy().send().await?;
    let id = waiting.ticket().id().to_owned();
    let gpu = waiting
        .on_progress(move |progress| {
            if progress.status == "unhealthy" {
                healer.edit_instance(&id, |document| {
                    document["status"] = "active".into();
                    document["ip"] = "192.0.2.7".into();
                });
            }
        })
        .await?;
    assert_eq!(gpu.address(), Some("192.0.2.7"));
    Ok(())
}

#[tokio::test]
async fn a_state_that_does_not_exist_yet_is_no_end() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.next_boot_ends("hibernating");
    let waker = fake.clone();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let waiting = a10(&lambda).send().await?;
    let (id, lines) = (waiting.ticket().id().to_owned(), seen.clone());
    waiting
        .on_progress(move |progress| {
            lines.lock().unwrap().push(progress.to_string());
            if progress.status == "hibernating" {
                waker.edit_instance(&id, |document| {
                    document["status"] = "active".into();
                    document["ip"] = "192.0.2.8".into();
                });
            }
        })
        .await?;
    let seen = seen.lock().unwrap().clone();
    let words: Vec<_> = seen.iter().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(words, ["booting", "hibernating", "active"]);
    assert!(seen[0].contains("gpu_1x_a10") && seen[0].contains("us-west-1"), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn an_instance_that_vanishes_while_it_boots_ends_the_wait() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.boot_time(Duration::from_secs(100_000));
    fake.linger_time(Duration::ZERO);
    let waiting = a10(&lambda).send().await?;
    let id = waiting.ticket().id().to_owned();
    let killer = fake.clone();
    let e = waiting
        .on_progress(move |progress| {
            if progress.status == "booting" {
                killer.vanish(&id);
            }
        })
        .await
        .expect_err("it is gone");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed), "{e}");
    assert!(e.to_string().contains("vanished"), "{e}");
    // The list alone is not believed.
    assert_eq!(fake.requests(GET), 1);
    Ok(())
}

#[tokio::test]
async fn a_wait_out_of_time_says_so_and_can_be_resumed_elsewhere() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.tick(Duration::ZERO);
    let operation = a10(&lambda).send().await?;
    assert!(format!("{operation:?}").contains("limit: 1800s"), "{operation:?}");
    let e = operation.timeout(Duration::from_millis(30)).await.expect_err("it never boots");
    assert_eq!((e.end(), e.kind()), (WaitEnd::OutOfTime, ErrorKind::Timeout));
    let text = e.ticket().to_string();
    fake.advance(Duration::from_secs(3));
    let elsewhere = fake.client()?;
    let gpu = elsewhere.resume::<Instance>(&text.parse()?)?.await?;
    assert_eq!(gpu.status, InstanceStatus::Active);
    assert_eq!(fake.launches(), 1);
    assert!(elsewhere.resume::<()>(&text.parse()?).is_err());
    let foreign = "windlass:incus/launch/1?at=https://a&in=project:default&name=web&marker=2".parse()?;
    assert_eq!(
        elsewhere.resume::<Instance>(&foreign).map(drop).map_err(|e| e.kind()),
        Err(ErrorKind::InvalidInput)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn many_waits_share_their_looks() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    let lambda = fake.connect().poll_interval(Duration::from_millis(100)).client()?;
    fake.tick(Duration::ZERO);
    let mut accepted = Vec::new();
    for _ in 0..60 {
        accepted.push(a10(&lambda).send().await?);
    }
    let waits: Vec<_> = accepted.into_iter().map(|wait| tokio::spawn(wait.into_future())).collect();
    let started = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_millis(500)).await;
    fake.advance(Duration::from_secs(3));
    for wait in waits {
        wait.await??;
    }
    // One look per interval, and a few for the edges. Sixty waits of their own would look sixty times as often.
    let most = started.elapsed().as_millis() / 100 + 5;
    assert!(fake.requests(LIST) as u128 <= most, "{} looks, not {most}", fake.requests(LIST));
    Ok(())
}

#[tokio::test]
async fn cancelling_a_launch_terminates_the_instance() -> Outcome {
    let (fake, lambda) = fake().await?;
    a10(&lambda).send().await?.cancel().await?;
    assert!(fake.instances().is_empty());
    let gpu = a10(&lambda).await?;
    let e = gpu.terminate().send().await?.cancel().await.expect_err("there is no way back");
    assert_eq!(e.kind(), ErrorKind::Conflict);
    Ok(())
}

#[tokio::test]
async fn terminating_waits_until_it_is_gone() -> Outcome {
    for linger in [0, 1_000] {
        let (fake, lambda) = fake().await?;
        fake.linger_time(Duration::from_secs(linger));
        let gpu = a10(&lambda).await?;
        gpu.terminate().await?;
        assert_eq!(fake.instance(&gpu.id).ok_or("lost")?["status"], "terminated");
        assert_eq!(fake.requests(TERMINATE), 1);
    }
    Ok(())
}

#[tokio::test]
async fn terminating_what_is_on_its_way_out_is_success() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).await?;
    let first = gpu.terminate().send().await?;
    gpu.terminate().await?;
    first.await?;
    gpu.terminate().await?;
    assert_eq!(fake.requests(TERMINATE), 3);
    // But what was never there may be a slip of the pen.
    fake.advance(Duration::from_secs(3_600));
    for id in [gpu.id.as_str(), "0000"] {
        let e = lambda.instance(id).terminate().await.expect_err("it doesn't exist");
        assert!(e.is_not_found() && e.code_is(ErrorCode::ObjectDoesNotExist), "{e:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_termination_whose_answer_is_lost_is_seen_through() -> Outcome {
    for fault in 0..6 {
        let (fake, lambda) = fake().await?;
        fake.linger_time(Duration::ZERO);
        let gpu = a10(&lambda).await?;
        let rule = fake.on(TERMINATE).times(2);
        match fault {
            0 => rule.drop_before(),
            1 => rule.drop_after(),
            2 => rule.reply(502, "<html></html>"),
            3 => rule.truncate(5),
            4 => rule.reply(429, ""),
            _ => rule.reply(500, r#"{"error":{"code":"global/unknown","message":""}}"#),
        };
        gpu.terminate().await?;
        assert!(fake.instances().is_empty(), "fault {fault}");
        assert!(fake.requests(TERMINATE) <= 3, "fault {fault}");
    }
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).await?;
    fake.on(TERMINATE).always().reply(502, "");
    let e = gpu.terminate().await.expect_err("it won't");
    assert_eq!((e.status(), fake.instances().len(), fake.requests(TERMINATE)), (Some(502), 1, 3));
    Ok(())
}

#[tokio::test]
async fn a_refused_termination_of_what_runs_is_an_error() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).await?;
    fake.on(TERMINATE).reply(400, r#"{"error":{"code":"global/unknown","message":"Unknown error."}}"#);
    let e = gpu.terminate().await.expect_err("refused");
    assert_eq!((e.kind(), fake.instances().len(), fake.requests(TERMINATE)), (ErrorKind::Rejected, 1, 1));
    Ok(())
}

#[tokio::test]
async fn a_termination_can_be_resumed() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).await?;
    let text = gpu.terminate().send().await?.ticket().to_string();
    fake.client()?.resume::<()>(&text.parse()?)?.await?;
    fake.advance(Duration::from_secs(3_600));
    fake.client()?.resume::<()>(&text.parse()?)?.await?;
    Ok(())
}

#[tokio::test]
async fn restarting_waits_until_it_is_active_again() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).await?;
    fake.boot_time(Duration::from_secs(20));
    let before = fake.requests(LIST);
    gpu.restart().await?;
    assert_eq!(gpu.get().await?.status, InstanceStatus::Active);
    assert!(fake.requests(LIST) - before >= 20);
    let text = gpu.restart().send().await?.ticket().to_string();
    let e = gpu.restart().await.expect_err("it boots");
    assert_eq!((e.kind(), e.code_is(ErrorCode::Conflict)), (ErrorKind::Conflict, true));
    fake.client()?.resume::<()>(&text.parse()?)?.await?;
    assert_eq!(fake.requests(RESTART), 3);
    Ok(())
}

#[tokio::test]
async fn a_restart_nobody_sees_is_not_over_at_the_first_look() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).await?;
    fake.on(RESTART).reply(200, r#"{"data":{"restarted_instances":[]}}"#);
    let before = fake.requests(LIST);
    gpu.restart().await?;
    assert!(fake.requests(LIST) - before >= 6, "{}", fake.requests(LIST) - before);
    Ok(())
}

#[tokio::test]
async fn a_restart_whose_answer_is_lost_is_not_repeated() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).await?;
    fake.on(RESTART).drop_after();
    gpu.restart().await?;
    assert_eq!(fake.requests(RESTART), 1);
    fake.on(RESTART).drop_before();
    let e = gpu.restart().await.expect_err("it never arrived");
    assert_eq!((e.kind(), fake.requests(RESTART)), (ErrorKind::Interrupted, 2));
    Ok(())
}

#[tokio::test]
async fn a_launch_whose_wait_fails_must_not_be_repeated() -> Outcome {
    let (fake, lambda) = fake().await?;
    let launch = a10(&lambda).send().await?;
    fake.on(GET).always().reply(400, "no");
    fake.on(LIST).always().reply(400, "no");
    let e = windlass::Error::from(launch.await.expect_err("it can't be looked at"));
    assert_eq!((e.sent(), e.is_repeatable()), (windlass::Sent::Yes, false), "{e:?}");
    assert_eq!(fake.launches(), 1);
    Ok(())
}
