//! Waits end: in time, on every end of the work, and whatever becomes of the server.

use std::future::IntoFuture;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use windlass::incus::{AddressKind, Instance, Status};
use windlass::testing::{FakeIncus, Generation};
use windlass::{Error, ErrorKind, Incus, WaitEnd};

use crate::clock::{later, until};
use crate::wire;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const WAIT: &str = "GET /1.0/operations/{id}/wait";
const EVENTS: &str = "GET /1.0/events";

async fn fake(generation: Generation) -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::builder().generation(generation).start().await?;
    let incus = Incus::unix(fake.socket()).client()?;
    Ok((fake, incus))
}

/// A ticket of this server for work that it knows nothing of.
fn forged(incus: &Incus, work: &str, facts: &str) -> Result<windlass::Ticket, Error> {
    let of_this_server = incus.instance("web").until_running().ticket().to_string();
    let (_, place) = of_this_server.split_once('?').expect("it says where");
    format!("windlass:incus/{work}?{place}&{facts}").parse()
}

const BOTH: [Generation; 2] = [Generation::V6_0, Generation::V7_0];

#[tokio::test]
async fn a_wait_out_of_time_says_so_and_can_be_resumed_elsewhere() -> Outcome {
    for generation in BOTH {
        let (fake, incus) = fake(generation).await?;
        let hold = fake.hold_operations();
        let operation = incus.launch("web").image("busybox").send().await?;
        let e = operation.timeout(Duration::from_millis(1_500)).await.expect_err("it is held");
        assert_eq!((e.end(), e.kind()), (WaitEnd::OutOfTime, ErrorKind::Timeout), "{generation:?}");
        assert!(e.waited() >= Duration::from_millis(1_500) && e.waited() < Duration::from_secs(4), "{e:?}");
        let text = e.ticket().to_string();
        drop(hold);
        let fresh = Incus::unix(fake.socket()).client()?;
        let web = fresh.resume::<Instance>(&text.parse()?)?.await?;
        assert_eq!(web.status, Status::Running);
        assert_eq!(fake.requests("POST /1.0/instances"), 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_is_used_and_not_a_tight_loop() -> Outcome {
    for generation in BOTH {
        let (fake, incus) = fake(generation).await?;
        let hold = fake.hold_operations();
        let waiting = tokio::spawn(async move { incus.launch("web").image("busybox").await });
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(hold);
        waiting.await??;
        assert!(fake.requests(WAIT) <= 2, "{generation:?}: {} polls in two seconds", fake.requests(WAIT));
        assert_eq!(fake.requests(EVENTS), 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_wait_outlasts_many_long_polls() -> Outcome {
    for generation in BOTH {
        let (fake, incus) = fake(generation).await?;
        let hold = fake.hold_operations();
        let waiting = tokio::spawn(async move { incus.launch("web").image("busybox").await });
        // Three minutes: each poll takes the half minute that it asks for, and the next one follows.
        for poll in 1..=6 {
            until(|| fake.requests(WAIT) >= poll || waiting.is_finished()).await;
            assert!(!waiting.is_finished(), "{:?}", waiting.await?.map(drop));
            assert_eq!(fake.requests(WAIT), poll, "it asks too often");
            for _ in 0..3 {
                later(Duration::from_secs(10)).await;
            }
        }
        drop(hold);
        assert_eq!(waiting.await??.status, Status::Running);
    }
    Ok(())
}

#[tokio::test]
async fn dropping_a_wait_leaves_the_work_alone() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    drop(incus.launch("web").image("busybox").send().await?);
    for _ in 0..2_000 {
        if incus.instance("web").get().await?.status == Status::Running {
            assert_eq!(fake.requests("DELETE /1.0/operations/{id}"), 0);
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the launch did not go on".into())
}

#[tokio::test(start_paused = true)]
async fn an_operation_forgotten_during_a_wait_ends_in_what_the_world_shows() -> Outcome {
    for generation in BOTH {
        let (fake, incus) = fake(generation).await?;
        let operation = incus.launch("web").image("busybox").send().await?;
        // It ends and is forgotten, as after a restart, before the first wait looks.
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.restart().await?;
        assert_eq!(operation.await?.status, Status::Running);
        let web = incus.instance("web");
        let stop = web.stop().force().send().await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.restart().await?;
        stop.await?;
        let delete = web.delete().send().await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.restart().await?;
        delete.await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_restarts_during_a_wait_does_not_hang_it() -> Outcome {
    for progress in [false, true] {
        let (fake, incus) = fake(Generation::V7_0).await?;
        let _hold = fake.hold_operations();
        let mut operation = incus.launch("web").image("busybox").send().await?;
        if progress {
            operation = operation.on_progress(|_| {});
        }
        let waiting = tokio::spawn(operation.timeout(Duration::from_secs(30)).into_future());
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.stop().await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        fake.restart().await?;
        let e = tokio::time::timeout(Duration::from_secs(15), waiting).await??.expect_err("never started");
        assert_eq!(e.end(), WaitEnd::Gone, "{e:?}");
    }
    Ok(())
}

#[tokio::test]
async fn events_that_break_in_the_middle_do_not_end_the_wait() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let hold = fake.hold_operations();
    let lines = Arc::new(Mutex::new(0));
    let count = lines.clone();
    let operation =
        incus.launch("web").image("busybox").send().await?.on_progress(move |_| *count.lock().unwrap() += 1);
    let waiting = tokio::spawn(operation.timeout(Duration::from_secs(30)).into_future());
    for _ in 0..2_000 {
        if fake.event_listeners() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fake.event_listeners(), 1);
    fake.kill_events();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(hold);
    let web = tokio::time::timeout(Duration::from_secs(10), waiting).await???;
    assert_eq!(web.status, Status::Running);
    assert!(*lines.lock().unwrap() >= 2);
    Ok(())
}

#[tokio::test]
async fn forbidden_events_fall_back_to_long_polls() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.on(EVENTS).always().reply(403, r#"{"type":"error","error":"not authorized","error_code":403}"#);
    let operation = incus.launch("web").image("busybox").send().await?.on_progress(|_| {});
    operation.timeout(Duration::from_secs(10)).await?;
    assert!(fake.requests(WAIT) >= 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_waits_hold_at_most_four_connections() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let hold = fake.hold_operations();
    let mut waits = Vec::new();
    for number in 0..200 {
        let operation = incus.launch(format!("web{number}")).image("busybox").send().await?;
        waits.push(tokio::spawn(operation.into_future()));
    }
    // Connections for quick calls are closed soon; what is left waits.
    let deadline = Instant::now() + Duration::from_secs(10);
    while fake.connections() > 4 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(fake.connections() <= 4, "{} connections wait", fake.connections());
    drop(hold);
    for wait in waits {
        wait.await??;
    }
    assert_eq!(fake.instances().len(), 200);
    assert_eq!(fake.requests(EVENTS), 1);
    Ok(())
}

#[tokio::test]
async fn a_failed_operation_is_never_a_success() -> Outcome {
    for generation in BOTH {
        for progress in [false, true] {
            let (fake, incus) = fake(generation).await?;
            fake.add_instance("web");
            incus.instance("web").start().await?;
            let mut operation = incus.instance("web").start().send().await?;
            if progress {
                operation = operation.on_progress(|_| {});
            }
            let e = operation.await.expect_err("it runs already");
            assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::Conflict));
            assert_eq!(Error::from(e).message(), "The instance is already running");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn looks_that_fail_are_endured() -> Outcome {
    for closely in [false, true] {
        let (fake, incus) = fake(Generation::V7_0).await?;
        let hold = fake.hold_operations();
        let operation = incus.launch("web").image("busybox").send().await?.timeout(Duration::from_secs(20));
        let operation = if closely { operation.on_progress(|_| {}) } else { operation };
        let bad = fake.on("GET /1.0/operations/{id}").times(6).reply(502, "<html>");
        let cut = fake.on(WAIT).times(3).drop_before();
        let waiting = tokio::spawn(operation.into_future());
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(hold);
        assert_eq!(waiting.await??.name(), "web");
        assert!(if closely { bad.hits() } else { cut.hits() } >= 3, "{bad:?}, {cut:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_ticket_is_resumed_in_its_own_project_alone() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let launch = incus.launch("web").image("busybox").send().await?;
    let ticket = launch.ticket();
    launch.await?;
    let delete = incus.instance("nobody").delete().send().await;
    assert!(delete.is_err());
    let stop = incus.instance("web").stop().force().send().await?;
    let stopped = stop.ticket();
    stop.await?;
    fake.restart().await?;
    // In another project there is no such instance, which for a stop would look like success.
    let blue = incus.project("blue");
    incus.instance("web").start().await?;
    let e = blue.resume::<()>(&stopped).expect_err("of another project");
    assert_eq!((e.kind(), e.fields()), (ErrorKind::InvalidInput, &["ticket".to_owned()][..]));
    assert!(e.message().contains("project:default") && e.message().contains("project:blue"), "{e}");
    assert_eq!(blue.project("default").resume::<Instance>(&ticket)?.await?.name(), "web");
    let e = incus.resume::<()>(&stopped)?.await.expect_err("it runs again");
    assert_eq!(e.end(), WaitEnd::Gone);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_begins_with_what_the_acceptance_told() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let look = "GET /1.0/operations/{id}";
    assert_eq!(incus.launch("web").image("busybox").await?.status, Status::Running);
    assert_eq!((fake.requests(look), fake.requests(WAIT)), (0, 1));
    // One that has no time asks: the answer may be old.
    let operation = incus.launch("db").image("busybox").send().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(operation.timeout(Duration::ZERO).await?.name(), "db");
    assert_eq!(fake.requests(look), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_first_look_that_fails_is_made_up_for() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let operation = incus.launch("web").image("busybox").send().await?.on_progress(|_| {});
    // It ends before the first wait listens, so no event will tell; another wait has opened the events already.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let _hold = fake.hold_operations();
    let other = incus.launch("other").image("busybox").send().await?.on_progress(|_| {});
    let other = tokio::spawn(other.into_future());
    while fake.event_listeners() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    fake.on("GET /1.0/operations/{id}").times(4).reply(502, "<html>");
    tokio::time::timeout(Duration::from_secs(8), operation.into_future()).await??;
    other.abort();
    Ok(())
}

#[tokio::test]
async fn a_failure_of_which_only_the_text_is_left_is_a_failed_operation() -> Outcome {
    let (fake, incus) = fake(Generation::V6_0).await?;
    let _hold = fake.hold_operations();
    let operation = incus.launch("web").image("busybox").send().await?;
    fake.on(WAIT).reply(200, r#"{"type":"error","error":"no space left","error_code":400,"metadata":null}"#);
    let gone = r#"{"type":"error","error":"Operation not found","error_code":404}"#;
    fake.on("GET /1.0/operations/{id}").always().reply(404, gone);
    let e = operation.await.expect_err("it failed");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed), "{e:?}");
    assert_eq!(e.error().message(), "no space left");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn gone_is_said_only_by_who_could_look() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let operation = incus.launch("web").image("busybox").send().await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.restart().await?;
    fake.on("GET /1.0/instances/{name}")
        .always()
        .reply(403, r#"{"type":"error","error":"no","error_code":403}"#);
    let e = operation.await.expect_err("nothing can be seen");
    assert_eq!((e.end(), e.kind()), (WaitEnd::LostContact, ErrorKind::PermissionDenied));
    Ok(())
}

#[tokio::test]
async fn a_forgotten_rename_is_not_proved_by_somebody_elses_instance() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    for name in ["web", "db"] {
        fake.add_instance(name);
    }
    let forgotten = forged(&incus, "rename/1f5be54b", "from=web&name=db")?;
    let e = incus.resume::<Instance>(&forgotten)?.await.expect_err("it is another's");
    assert_eq!(e.end(), WaitEnd::Gone);
    let rename = incus.instance("web").rename("new").send().await?;
    let ticket = rename.ticket().to_string();
    rename.await?;
    fake.restart().await?;
    assert_eq!(incus.resume::<Instance>(&ticket.parse()?)?.await?.name(), "new");
    Ok(())
}

#[tokio::test]
async fn a_forgotten_launch_is_not_proved_by_somebody_elses_instance() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.add_instance("web");
    incus.instance("web").start().await?;
    let forgotten = forged(&incus, "launch/1f5be54b", "marker=mine&name=web")?;
    let e = incus.resume::<Instance>(&forgotten)?.await.expect_err("it is another's");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::OperationGone));
    Ok(())
}

#[tokio::test]
async fn a_forgotten_launch_that_does_not_run_is_no_success() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let launch = incus.launch("web").image("busybox").send().await?;
    let ticket = launch.ticket();
    launch.await?;
    incus.instance("web").stop().force().await?;
    fake.restart().await?;
    let e = incus.resume::<Instance>(&ticket)?.await.expect_err("it is stopped");
    assert_eq!(e.end(), WaitEnd::Gone);
    assert!(e.error().message().contains("Stopped"), "{e}");
    Ok(())
}

#[tokio::test]
async fn long_polls_that_end_early_are_no_tight_loop() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let _hold = fake.hold_operations();
    let operation = incus.launch("web").image("busybox").send().await?;
    let running = r#"{"type":"sync","metadata":{"id":"1","status":"Running","status_code":103}}"#;
    fake.on(WAIT).always().reply(200, running);
    let e = operation.timeout(Duration::from_secs(2)).await.expect_err("it is held");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    assert!((2..=25).contains(&fake.requests(WAIT)), "{} polls in two seconds", fake.requests(WAIT));
    Ok(())
}

#[tokio::test]
async fn progress_is_told_once_per_change() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let _hold = fake.hold_operations();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let operation = incus.launch("web").image("busybox").send().await?;
    let running = r#"{"type":"sync","metadata":{"id":"1","status":"Running","status_code":103}}"#;
    fake.on("GET /1.0/operations/{id}").always().reply(200, running);
    fake.on(WAIT).always().reply(200, running);
    fake.on(EVENTS).always().reply(403, r#"{"type":"error","error":"not authorized","error_code":403}"#);
    let operation = operation.on_progress(move |progress| tell.lock().unwrap().push(progress.clone()));
    operation.timeout(Duration::from_secs(1)).await.expect_err("it never ends");
    assert_eq!(told.lock().unwrap().len(), 1, "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_text_alone_does_not_make_a_name_taken() -> Outcome {
    let (fake, incus) = fake(Generation::V6_0).await?;
    let _hold = fake.hold_operations();
    let operation = incus.launch("web").image("busybox").send().await?;
    let failed = r#"{"type":"sync","metadata":{"id":"1","status":"Failure","status_code":400,
        "err":"UNIQUE constraint failed: storage_volumes.name"}}"#;
    fake.on(WAIT).reply(200, failed);
    let missing = r#"{"type":"error","error":"Instance not found","error_code":404}"#;
    fake.on("GET /1.0/instances/{name}").reply(404, missing);
    let e = operation.await.expect_err("it failed");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed));
    Ok(())
}

#[tokio::test]
async fn what_can_be_cancelled_is_cancelled_and_is_no_success() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    incus.launch("web").image("busybox").await?;
    // The later generation lets commands be cancelled.
    let mut body = windlass::incus::types::InstanceExec::new(["sleep".to_owned(), "60".to_owned()]);
    body.wait_for_websocket = true;
    let operation = incus.raw().instance_exec().name("web").body(body).send().await?;
    let ticket = forged(&incus, &format!("operation/{}", operation.id), "")?;
    incus.resume::<()>(&ticket)?.cancel().await?;
    assert_eq!(fake.requests("DELETE /1.0/operations/{id}"), 1);
    let e = incus.resume::<()>(&ticket)?.await.expect_err("it was cancelled");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::Cancelled));
    Ok(())
}

/// As many launches, under way and held.
async fn herd(
    incus: &Incus,
    size: usize,
) -> Result<Vec<tokio::task::JoinHandle<Result<Instance, windlass::WaitError>>>, Error> {
    let mut waits = Vec::new();
    for number in 0..size {
        let operation = incus.launch(format!("web{number}")).image("busybox").send().await?;
        waits.push(tokio::spawn(operation.into_future()));
    }
    Ok(waits)
}

async fn eventually(what: &str, mut shown: impl FnMut() -> bool) -> Outcome {
    for _ in 0..6_000 {
        if shown() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("not within a minute: {what}").into())
}

/// What they missed, one list tells all of them.
#[tokio::test]
async fn events_cut_under_many_waits_cost_one_list() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let tap = wire::Tap::before(incus.origin()).await?;
    let incus = Incus::unix(tap.socket()).client()?;
    let hold = fake.hold_operations();
    let waits = herd(&incus, 50).await?;
    eventually("all of them wait", || tap.requests("/1.0/events") == 1 && fake.connections() <= 4).await?;
    let looks = fake.requests("GET /1.0/operations/{id}");
    fake.on(EVENTS).reply(503, "busy");
    fake.kill_events();
    drop(hold); // they all end while no wait listens
    for wait in waits {
        assert_eq!(wait.await??.status, Status::Running);
    }
    assert_eq!(fake.requests("GET /1.0/operations"), 1);
    // No stampede, and no wait takes a long poll of its own but the three that may.
    assert_eq!(fake.requests("GET /1.0/operations/{id}"), looks);
    assert!(tap.waiting_peak() <= 4, "{} connections were waited on", tap.waiting_peak());
    Ok(())
}

#[tokio::test]
async fn commands_that_end_together_are_awaited_on_few_connections_too() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.add_instance("web");
    incus.instance("web").start().await?;
    let tap = wire::Tap::before(incus.origin()).await?;
    let web = Incus::unix(tap.socket()).client()?.instance("web");
    let mut commands = Vec::new();
    for _ in 0..50 {
        commands.push(web.exec(["cat"]).pipe_stdin().spawn().await?);
    }
    // All of them run; now each reads the end of its input.
    let inputs: Vec<_> = commands.iter_mut().map(|command| command.take_stdin()).collect();
    let ended = commands.into_iter().map(|mut command| tokio::spawn(async move { command.wait().await }));
    let ended: Vec<_> = ended.collect();
    drop(inputs);
    for command in ended {
        assert!(command.await??.is_success());
    }
    assert!((1..=4).contains(&tap.waiting_peak()), "{} connections were waited on", tap.waiting_peak());
    Ok(())
}

#[tokio::test]
async fn a_dead_events_connection_is_noticed_under_a_wait() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let hold = fake.hold_operations();
    let operation = incus.launch("web").image("busybox").send().await?.on_progress(|_| {});
    let waiting = tokio::spawn(operation.into_future());
    eventually("it listens", || fake.event_listeners() == 1).await?;
    // Another wait, so that the connection isn't given up when the first one ends.
    let other = tokio::spawn(incus.instance("web").until_ready().into_future());
    tokio::time::sleep(Duration::from_millis(100)).await;
    fake.hang_events();
    drop(hold); // its end isn't heard
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    later(Duration::from_secs(31)).await;
    let web = tokio::time::timeout(Duration::from_secs(10), waiting).await???;
    assert_eq!(web.status, Status::Running);
    // The other wait has a connection that works.
    eventually("it listens again", || fake.event_listeners() == 1).await?;
    assert_eq!(fake.requests(EVENTS), 2);
    fake.say_ready("web");
    tokio::time::timeout(Duration::from_secs(10), other).await???;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_events_many_waits_still_use_few_connections() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let tap = wire::Tap::before(incus.origin()).await?;
    let incus = Incus::unix(tap.socket()).client()?;
    fake.on(EVENTS).always().reply(403, r#"{"type":"error","error":"not authorized","error_code":403}"#);
    let hold = fake.hold_operations();
    let waits = herd(&incus, 30).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(hold);
    for wait in waits {
        assert_eq!(wait.await??.status, Status::Running);
    }
    assert!((1..=4).contains(&tap.waiting_peak()), "{} connections were waited on", tap.waiting_peak());
    let looks = fake.requests("GET /1.0/operations/{id}");
    assert!(looks <= 30 * 8, "{looks} looks");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_state_goes_by_events_and_not_by_polling() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.add_instance("web");
    let web = incus.instance("web");
    let ready = tokio::spawn(web.until_ready().into_future());
    eventually("it listens", || fake.event_listeners() == 1).await?;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let looks = fake.requests("GET /1.0/instances/{name}");
    assert!((4..=14).contains(&looks), "{looks} looks in a minute");
    web.start().await?;
    assert!(fake.say_ready("web"));
    let said = tokio::time::Instant::now();
    assert_eq!(ready.await??.status, Status::Ready);
    // The next look of its own would be up to ten seconds away.
    assert!(said.elapsed() < Duration::from_secs(5), "{:?}", said.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_state_works_without_events() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.on(EVENTS).always().reply(403, r#"{"type":"error","error":"not authorized","error_code":403}"#);
    fake.add_instance("web");
    let web = incus.instance("web");
    let running = tokio::spawn(web.until_running().into_future());
    tokio::time::sleep(Duration::from_millis(300)).await;
    web.start().await?;
    tokio::time::timeout(Duration::from_secs(10), running).await???;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_state_outlives_a_restart_of_the_server() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.add_instance("web");
    let web = incus.instance("web");
    let running = tokio::spawn(web.until_running().into_future());
    eventually("it listens", || fake.event_listeners() == 1).await?;
    fake.stop().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    fake.restart().await?;
    web.start().await?;
    tokio::time::timeout(Duration::from_secs(15), running).await???;
    Ok(())
}

#[tokio::test]
async fn an_instance_in_error_ends_the_wait_for_it() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.add_instance("web");
    fake.edit_instance("web", |document| document["status"] = "Error".into());
    let e = incus.instance("web").until_running().await.expect_err("it is in error");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed));
    let e = incus.instance("web").until_address(AddressKind::Any).await.expect_err("it is in error");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed));
    // A state that doesn't exist yet is waited through.
    fake.edit_instance("web", |document| document["status"] = "Hibernating".into());
    let e = incus.instance("web").until_running().timeout(Duration::from_millis(600)).await;
    assert_eq!(e.map(drop).map_err(|e| e.end()), Err(WaitEnd::OutOfTime));
    let e = incus.instance("..").until_running().await.expect_err("no such name");
    assert_eq!((e.kind(), e.error().attempts()), (ErrorKind::InvalidInput, 0));
    Ok(())
}

#[tokio::test]
async fn a_start_that_is_forgotten_is_proved_by_a_ready_instance() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let launch = incus.launch("web").image("busybox").send().await?;
    let ticket = launch.ticket();
    launch.await?;
    assert!(fake.say_ready("web"));
    fake.restart().await?;
    assert_eq!(incus.resume::<Instance>(&ticket)?.await?.status, Status::Ready);
    Ok(())
}

#[tokio::test]
async fn a_lost_launch_is_not_looked_for_longer_than_its_window() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.on("POST /1.0/instances").drop_before();
    fake.on("GET /1.0/operations").always().hang();
    let started = Instant::now();
    let lost = incus.launch("web").image("busybox").reconcile_window(Duration::from_secs(1)).await;
    assert_eq!(lost.map(drop).map_err(|e| e.kind()), Err(ErrorKind::OutcomeUnknown));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    Ok(())
}

/// A runtime with one thread, which moves only while something runs in it.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// The connection for events belongs to the runtime that made it.
#[test]
fn a_client_is_used_from_two_runtimes_of_which_one_ends() -> Outcome {
    // Only where it never ends.
    const LONG: Duration = Duration::from_secs(120);
    for ends in [true, false] {
        let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (fake, incus) = servers.block_on(fake(Generation::V7_0))?;
        let hold = fake.hold_operations();
        let (first, second) = (runtime()?, runtime()?);
        let listen = |name: &'static str, listeners: usize| {
            let (fake, incus) = (fake.clone(), incus.clone());
            async move {
                let launch = incus.launch(name).image("busybox").send().await?;
                let before = fake.requests("GET /1.0/operations/{id}");
                let waiting = tokio::spawn(launch.on_progress(|_| {}).into_future());
                // It listens, and has looked.
                while fake.event_listeners() < listeners
                    || fake.requests("GET /1.0/operations/{id}") == before
                {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok::<_, Error>(waiting)
            }
        };
        let lost = first.block_on(async { tokio::time::timeout(LONG, listen("first", 1)).await })??;
        let first = if ends {
            drop(first);
            None
        } else {
            Some(first)
        };
        // What the first left behind must not be taken for alive.
        let live = usize::from(!ends);
        let heard = async {
            while fake.event_listeners() > live {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // Connections that nothing moves any more are closed by now.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let waiting = listen("second", live + 1).await?;
            let looks = fake.requests("GET /1.0/operations/{id}");
            drop(hold);
            let web = waiting.await??;
            assert_eq!(web.status, Status::Running);
            assert_eq!(fake.requests("GET /1.0/operations/{id}"), looks, "it had to look");
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        second.block_on(async { tokio::time::timeout(LONG, heard).await })??;
        drop((lost, first));
    }
    Ok(())
}
