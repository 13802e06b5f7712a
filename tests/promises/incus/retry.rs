//! What is sent how often: counted on the server's side.

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use windlass::testing::FakeIncus;
use windlass::{ErrorKind, Incus, Retry, Sent};

use crate::clock::{later, until};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CREATE: &str = "POST /1.0/instances";
const GET: &str = "GET /1.0/instances/{name}";
const MARKER: &str = "user.windlass.launch";

async fn fake() -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket()).client()?;
    Ok((fake, incus))
}

fn quick() -> Retry {
    Retry::default().backoff(Duration::from_millis(1), Duration::from_millis(20))
}

#[tokio::test]
async fn a_get_answered_503_twice_is_sent_three_times() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.add_instance("web");
    fake.on(GET).times(2).reply(503, "come back later");
    let web = incus.instance("web").get().await?;
    assert_eq!(web.name, "web");
    assert_eq!(fake.requests(GET), 3);
    Ok(())
}

#[tokio::test]
async fn a_get_is_sent_as_often_as_its_handle_says() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(GET).always().reply(503, "");
    let e = incus.with(quick().attempts(7)).instance("web").get().await.expect_err("it never answers");
    assert_eq!((e.kind(), e.status(), e.attempts()), (ErrorKind::Unavailable, Some(503), 7));
    assert!(e.is_repeatable());
    assert_eq!(fake.requests(GET), 7);
    let e = incus.with(Retry::never()).instance("web").get().await.expect_err("nor now");
    assert_eq!((e.attempts(), fake.requests(GET)), (1, 8));
    // The first handle is as it was.
    incus.with(quick()).instance("web").get().await.expect_err("nor now");
    assert_eq!(fake.requests(GET), 12);
    Ok(())
}

#[tokio::test]
async fn every_way_to_lose_an_answer_to_a_get_is_cured() -> Outcome {
    let (fake, incus) = fake().await?;
    let incus = incus.with(quick());
    fake.add_instance("web");
    fake.on(GET).refuse();
    incus.instance("web").get().await?;
    fake.on(GET).drop_before();
    incus.instance("web").get().await?;
    fake.on(GET).drop_after();
    incus.instance("web").get().await?;
    fake.on(GET).truncate(100);
    incus.instance("web").get().await?;
    fake.on(GET).hang();
    let impatient = incus.with(quick().attempt_timeout(Duration::from_secs(30)));
    let web = impatient.instance("web");
    let asking = tokio::spawn(async move { web.get().await });
    until(|| fake.requests(GET) == 9).await;
    later(Duration::from_secs(30)).await;
    asking.await??;
    assert_eq!(fake.requests(GET), 10);
    Ok(())
}

#[tokio::test]
async fn a_create_answered_503_is_sent_once() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(CREATE)
        .always()
        .reply(503, r#"{"type":"error","error":"Incus is shutting down","error_code":503}"#);
    let e = incus.launch("web").image("busybox").await.expect_err("the server refused");
    assert_eq!((e.kind(), e.attempts(), e.sent()), (ErrorKind::Unavailable, 1, Sent::Yes));
    assert_eq!(e.message(), "Incus is shutting down");
    assert!(!e.is_repeatable());
    assert_eq!(fake.requests(CREATE), 1);
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_by_its_marker() -> Outcome {
    for start in [true, false] {
        let (fake, incus) = fake().await?;
        fake.on(CREATE).drop_after();
        let launch = if start { incus.launch("web") } else { incus.create("web") };
        let web = launch.image("busybox").await?;
        assert_eq!(fake.requests(CREATE), 1);
        assert_eq!(fake.instances(), ["web"]);
        assert_eq!(web.status.as_str(), if start { "Running" } else { "Stopped" });
        assert!(web.config.contains_key(MARKER));
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_create_is_found_even_after_its_operation_ended() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.operation_delay(Duration::ZERO);
    fake.on(CREATE).drop_after();
    fake.on("GET /1.0/operations").times(1).reply(200, r#"{"type":"sync","metadata":{}}"#);
    fake.on(GET).delay(Duration::from_millis(300));
    let web = incus.launch("web").image("busybox").await?;
    assert_eq!((web.name(), fake.requests(CREATE)), ("web", 1));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_a_lost_one() -> Outcome {
    for way in 0..3 {
        let (fake, incus) = fake().await?;
        match way {
            0 => fake.on(CREATE).truncate(50),
            1 => fake.on(CREATE).drop_after(),
            _ => fake.on(CREATE).reply(502, "<html>bad gateway</html>"),
        };
        // Nothing is found after a gateway's answer: that window is waited out.
        let window = Duration::from_millis(if way == 2 { 300 } else { 60_000 });
        match (way, incus.launch("web").image("busybox").reconcile_window(window).await) {
            (2, Err(e)) => {
                assert!(e.is_outcome_unknown(), "{e:?}");
                assert_eq!(e.status(), Some(502));
                assert_eq!(e.body(), b"<html>bad gateway</html>");
            }
            (_, Ok(web)) => assert_eq!(web.name(), "web"),
            (_, Err(e)) => return Err(e.into()),
        }
        assert_eq!(fake.requests(CREATE), 1, "way {way}");
    }
    Ok(())
}

#[tokio::test]
async fn somebody_elses_instance_is_not_adopted() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.add_instance("web");
    fake.on(CREATE).drop_after();
    let e = incus.launch("web").image("busybox").await.expect_err("the name is somebody else's");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    assert_eq!(fake.requests(CREATE), 1);
    Ok(())
}

#[tokio::test]
async fn a_create_that_never_took_effect_is_an_unknown_outcome_with_its_marker() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(CREATE).drop_before();
    let launch = incus.launch("web").image("busybox").reconcile_window(Duration::from_millis(300));
    let e = launch.await.expect_err("nothing was made");
    assert!(e.is_outcome_unknown());
    assert_eq!(e.sent(), Sent::Unknown);
    let sent: Vec<_> = fake.log().into_iter().filter(|request| request.method == "POST").collect();
    let marker = sent[0].json().and_then(|body| Some(body["config"][MARKER].as_str()?.to_owned()));
    assert!(marker.is_some());
    assert_eq!(e.marker(), marker.as_deref());
    assert_eq!(sent.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_create_that_never_left_is_sent_again() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.stop().await;
    let back = tokio::spawn({
        let fake = fake.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            fake.restart().await
        }
    });
    let patient =
        Retry::default().attempts(20).backoff(Duration::from_millis(100), Duration::from_millis(100));
    let web = incus.with(patient).launch("web").image("busybox").await?;
    back.await??;
    assert_eq!((web.name(), fake.requests(CREATE)), ("web", 1));
    Ok(())
}

#[tokio::test]
async fn nobody_there_is_a_connect_error_that_may_be_repeated() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.stop().await;
    let e = incus.with(quick()).launch("web").image("busybox").await.expect_err("the server is gone");
    assert_eq!((e.kind(), e.sent(), e.attempts()), (ErrorKind::Connect, Sent::No, 4));
    assert!(e.is_repeatable());
    Ok(())
}

#[tokio::test]
async fn retry_after_is_honoured_and_capped() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.add_instance("web");
    fake.on(GET).header("Retry-After", "1").reply(429, "");
    let started = Instant::now();
    incus
        .with(quick().backoff(Duration::from_millis(1), Duration::from_secs(5)))
        .instance("web")
        .get()
        .await?;
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    fake.on(GET).header("Retry-After", "86400").reply(429, "");
    let started = Instant::now();
    incus.with(quick()).instance("web").get().await?;
    assert!(started.elapsed() < Duration::from_secs(3_600), "{:?}", started.elapsed());
    fake.on(GET).always().header("Retry-After", "86400").reply(429, "");
    let e = incus.with(Retry::never()).instance("web").get().await.expect_err("too many");
    assert!(e.is_rate_limited());
    assert_eq!(e.retry_after(), Some(Duration::from_secs(86_400)));
    Ok(())
}

#[tokio::test]
async fn the_total_limit_ends_a_call() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(GET).always().hang();
    let limit = Duration::from_secs(20);
    let web = incus.with(quick().attempt_timeout(3 * limit).total(limit)).instance("web");
    let asking = tokio::spawn(async move { web.get().await });
    until(|| fake.requests(GET) == 1).await;
    later(limit).await;
    let e = asking.await?.expect_err("it hangs");
    assert!(e.is_timeout());
    assert_eq!(e.sent(), Sent::Unknown);
    Ok(())
}

#[tokio::test]
async fn the_budget_stops_a_storm() -> Outcome {
    let (fake, incus) = fake().await?;
    let incus = incus.with(quick());
    fake.on(GET).always().reply(503, "");
    for _ in 0..200 {
        // Every handle of a client draws on one budget.
        incus.project("p").with(quick()).instance("web").get().await.expect_err("it never answers");
    }
    // 200 calls with three repetitions each would be 800; the budget pays for 100 repetitions.
    assert_eq!(fake.requests(GET), 300);
    Ok(())
}

#[tokio::test]
async fn a_raw_call_is_repeated_like_a_typed_one() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.add_instance("web");
    fake.on(GET).times(2).reply(503, "");
    let (web, head) = incus.raw().instance_get().name("web").send().with_head().await?;
    assert_eq!((web.name.as_str(), head.status()), ("web", 200));
    assert_eq!(fake.requests(GET), 3);
    let sent = fake.log().pop().ok_or("nothing arrived")?;
    assert_eq!(sent.header("api-version"), None);
    assert!(sent.header("user-agent").is_some_and(|agent| agent.starts_with("windlass/")));
    Ok(())
}

/// Incus up to 6.0.4 accepts no connection while a fresh one stays silent: pools must not keep such ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_silent_connection_stays_open() -> Outcome {
    let (fake, incus) = fake().await?;
    for _ in 0..20 {
        let calls = (0..8).map(|_| {
            let incus = incus.clone();
            tokio::spawn(async move { incus.get_server().await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await??;
        }
    }
    // The server notices in a moment.
    for _ in 0..200 {
        if fake.connections() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{} connections are left", fake.connections()).into())
}

#[tokio::test]
async fn an_error_after_several_attempts_tells_no_lies() -> Outcome {
    let (fake, incus) = fake().await?;
    // It reached the server the first time, though not the second.
    fake.on(GET).drop_before();
    let pause = Duration::from_secs(30);
    let call = incus.with(Retry::default().attempts(2).backoff(pause, pause));
    let asking = tokio::spawn(async move { call.instance("web").get().await });
    until(|| fake.requests(GET) == 1).await;
    fake.stop().await;
    while !asking.is_finished() {
        later(pause).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let e = asking.await?.expect_err("the server is gone");
    assert_eq!((e.kind(), e.sent(), e.status(), e.attempts()), (ErrorKind::Connect, Sent::Unknown, None, 2));
    // The status of the first answer is not that of the second, which never came.
    fake.restart().await?;
    fake.on(GET).reply(503, "");
    fake.on(GET).drop_before();
    let e = incus.with(quick().attempts(2)).instance("web").get().await.expect_err("it breaks off");
    assert_eq!(
        (e.kind(), e.sent(), e.status(), e.attempts()),
        (ErrorKind::Interrupted, Sent::Unknown, None, 2)
    );
    Ok(())
}

#[tokio::test]
async fn limits_without_end_do_not_overflow() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(GET).always().header("Retry-After", "18446744073709549568").reply(503, "");
    let boundless = Retry::default()
        .total(Duration::MAX)
        .attempt_timeout(Duration::MAX)
        .backoff(Duration::from_millis(1), Duration::MAX);
    let e = incus.with(boundless.clone().attempts(1)).instance("web").get().await.expect_err("busy");
    assert_eq!(e.attempts(), 1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let call = incus.with(boundless).instance("web");
    let patient = tokio::time::timeout(Duration::from_millis(200), call.get()).await;
    assert!(patient.is_err(), "it should still pause: {patient:?}");
    Ok(())
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_again_costs_no_budget() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.stop().await;
    let body = || windlass::Content::reader(std::io::Cursor::new("x"));
    for _ in 0..150 {
        let e = incus.import_image(body()).send().await.expect_err("the server is gone");
        assert_eq!((e.kind(), e.attempts()), (ErrorKind::Connect, 1));
    }
    let e = incus.with(quick()).instance("web").get().await.expect_err("nor now");
    assert_eq!(e.attempts(), 4);
    Ok(())
}

#[tokio::test]
async fn names_of_all_projects_are_handles_in_their_own() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.add_instance("web");
    let names = incus.project("blue").instances().all_projects().names().await?;
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].get().await?.project, "default");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_whose_operation_shows_late_is_waited_for() -> Outcome {
    for way in [r#"{"type":"sync","metadata":{}}"#, r#"{"type":"error","error":"no","error_code":500}"#] {
        let (fake, incus) = fake().await?;
        fake.on(CREATE).drop_after();
        fake.operation_delay(Duration::from_millis(500));
        let status = if way.contains("sync") { 200 } else { 500 };
        fake.on("GET /1.0/operations").times(1).reply(status, way);
        let hold = fake.hold_operations();
        fake.add_instance("other");
        let release = async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            drop(hold);
        };
        let (web, ()) = tokio::join!(incus.launch("web").image("busybox").into_future(), release);
        assert_eq!(web?.status.as_str(), "Running");
        assert_eq!(fake.requests(CREATE), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_pause_that_would_outlast_the_call_is_not_made() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(GET).always().header("Retry-After", "7200").reply(503, "");
    let retry =
        Retry::default().backoff(Duration::from_millis(1), Duration::MAX).total(Duration::from_secs(3_600));
    let started = Instant::now();
    let e = incus.with(retry).instance("web").get().await.expect_err("busy");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::Unavailable, 1));
    assert_eq!(e.retry_after(), Some(Duration::from_secs(7_200)));
    assert!(started.elapsed() < Duration::from_secs(3_600), "{:?}", started.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_window_stays_open_while_the_server_works_on_that_name() -> Outcome {
    let (fake, incus) = fake().await?;
    let hold = fake.hold_operations();
    fake.on(CREATE).drop_after();
    let missing = r#"{"type":"error","error":"Instance not found","error_code":404}"#;
    fake.on(GET).times(4).reply(404, missing);
    let launch = incus.launch("web").image("busybox").reconcile_window(Duration::from_millis(50));
    let release = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        drop(hold);
    };
    let (web, ()) = tokio::join!(launch.into_future(), release);
    assert_eq!((web?.name(), fake.requests(CREATE)), ("web", 1));
    Ok(())
}

#[tokio::test]
async fn every_attempt_asks_for_json() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    fake.on("GET /1.0").reply(503, "");
    incus.get_server().await?;
    let accepted: Vec<_> =
        fake.log().iter().map(|request| request.header("accept").map(str::to_owned)).collect();
    assert_eq!(accepted, [Some("application/json".to_owned()), Some("application/json".to_owned())]);
    Ok(())
}

/// While the answer is lost, another client runs a command in the new instance: that is no part of the launch.
#[tokio::test]
async fn a_lost_create_is_not_mistaken_for_what_others_do_with_the_instance() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.operation_delay(Duration::ZERO);
    fake.on(CREATE).drop_after();
    let blind = fake.on("GET /1.0/operations").always().reply(503, "come back later");
    let launching = tokio::spawn(incus.with(quick()).launch("web").image("busybox").send());
    while fake.instance("web").is_none_or(|web| web["status"] != "Running") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let other = Incus::unix(fake.socket()).client()?;
    let mut theirs = other.instance("web").exec(["sleep", "1000"]).spawn().await?;
    blind.remove();
    let operation = launching.await??;
    assert_eq!(operation.ticket().id(), "none", "{}", operation.ticket());
    let web = operation.await?;
    assert_eq!(web.status.as_str(), "Running");
    // And it goes on.
    theirs.kill().await?;
    assert_eq!(theirs.wait().await?.code(), 137);
    Ok(())
}

#[tokio::test]
async fn a_size_that_the_server_would_refuse_is_not_sent() -> Outcome {
    let (fake, incus) = fake().await?;
    let launch = || incus.launch("web").image("busybox");
    let disk =
        |size: &'static str| launch().device("root", [("type", "disk"), ("path", "/"), ("size", size)]);
    for (launch, field) in [
        (launch().memory("2 gigs"), "memory"),
        (launch().memory(""), "memory"),
        (launch().config("limits.memory", "2G"), "memory"),
        (launch().config("limits.cpu", "2 cpus"), "cpus"),
        (launch().cpus(0), "cpus"),
        (disk("20 gigs"), "device"),
        (disk("50%"), "device"),
    ] {
        let e = launch.send().await.expect_err("it is no size");
        assert_eq!(
            (e.kind(), e.fields(), e.sent()),
            (ErrorKind::InvalidInput, [field.to_owned()].as_slice(), Sent::No)
        );
    }
    let e = incus.instance("web").patch().config("limits.memory", "2 gigs").await.expect_err("it is no size");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::InvalidInput, Sent::No));
    assert!(fake.log().is_empty());
    for good in [disk("20GiB"), launch().memory("50%"), launch().config("limits.cpu", "0-1")] {
        good.await?.stop().force().await?;
        incus.instance("web").delete().await?;
    }
    Ok(())
}

/// The answer is lost, and so is the process: another one finds the instance by the marker that was saved.
#[tokio::test]
async fn a_lost_launch_is_found_by_its_marker() -> Outcome {
    let (fake, incus) = fake().await?;
    let launch = incus.launch("web").image("busybox");
    let marker = launch.marker().to_owned();
    fake.on(CREATE).drop_after();
    drop(launch.send().await);
    let web = Incus::unix(fake.socket()).client()?.launched(&marker).await?.ok_or("it is there")?;
    assert_eq!((web.name.as_str(), web.config.get(MARKER)), ("web", Some(&marker)));
    assert!(incus.project("blue").launched(&marker).await?.is_none());
    // The error of a launch that can't be told has the marker as well.
    fake.on(CREATE).drop_before();
    let launch = incus.with(quick()).launch("other").image("busybox").reconcile_window(Duration::ZERO);
    let marker = launch.marker().to_owned();
    let e = launch.await.expect_err("the outcome is unknown");
    assert_eq!((e.kind(), e.marker()), (ErrorKind::OutcomeUnknown, Some(marker.as_str())));
    assert!(incus.launched(&marker).await?.is_none());
    Ok(())
}

/// The guest turns itself off just before the stop does: that stop fails, and the deletion goes on.
#[tokio::test]
async fn a_deletion_by_force_of_what_stops_by_itself() -> Outcome {
    let (fake, incus) = fake().await?;
    let web = incus.launch("web").image("busybox").await?;
    let hold = fake.hold_operations();
    let deleting = tokio::spawn(web.delete().force().into_future());
    while fake.requests("PUT /1.0/instances/{name}/state") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fake.edit_instance("web", |document| document["status"] = "Stopped".into());
    drop(hold);
    deleting.await??;
    assert!(fake.instances().is_empty());
    // One that goes on running is an error, with the reason.
    let web = incus.launch("web").image("busybox").await?;
    let failed = fake.fail_operation("PUT /1.0/instances/{name}/state", "no such thread");
    let e = web.delete().force().await.expect_err("it can't be stopped");
    assert_eq!((e.kind(), failed.hits()), (ErrorKind::OperationFailed, 1), "{e:?}");
    assert!(e.to_string().contains("no such thread"), "{e}");
    assert_eq!(fake.instances(), ["web"]);
    Ok(())
}

/// By force, a deletion costs a stop only where the instance runs.
#[tokio::test]
async fn a_deletion_by_force_stops_only_what_runs() -> Outcome {
    let (fake, incus) = fake().await?;
    let stop = "PUT /1.0/instances/{name}/state";
    let delete = "DELETE /1.0/instances/{name}";
    incus.create("idle").image("busybox").await?.delete().force().await?;
    assert_eq!((fake.requests(stop), fake.requests(delete)), (0, 1));
    incus.launch("web").image("busybox").await?.delete().force().await?;
    assert_eq!((fake.requests(stop), fake.requests(delete)), (1, 3));
    let operation = incus.launch("web").image("busybox").await?.delete().force().send().await?;
    assert!(operation.ticket().to_string().contains("/delete/"));
    operation.await?;
    assert!(fake.instances().is_empty());
    Ok(())
}
