//! What the client promises on Shaken Fist, each shown by what arrives at the server.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::shakenfist::{Disk, Instance, InstanceState, Nic, PowerState, ShakenFist};
use windlass::testing::{FakeShakenFist, Release};
use windlass::{Error, Kind, Output, Retry, Sent, Transferred, WaitEnd};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn served() -> Result<(FakeShakenFist, ShakenFist), Box<dyn std::error::Error>> {
    let fake = FakeShakenFist::start().await?;
    fake.pace(Duration::from_millis(5));
    let sf = fake.client()?;
    Ok((fake, sf))
}

async fn ready(sf: &ShakenFist) -> Result<Instance, Error> {
    Ok(sf.create("web").disk(Disk::blank(1)).await?.agent_ready().await?)
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: Kind) -> Error {
    match result {
        Err(e) if e.kind() == kind => e,
        other => panic!("expected {kind:?}, got {other:?}"),
    }
}

// Tokens.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_in_the_middle_of_a_hundred_calls_is_renewed_once() -> Outcome {
    let (fake, sf) = served().await?;
    sf.instances().list().all().await?;
    assert_eq!(fake.requests("POST /auth"), 1);
    // All hundred are under way with the old token when it ends.
    let delayed = fake.on("GET /instances").times(100).delay(Duration::from_millis(300));
    let calls: Vec<_> = (0..100).map(|_| tokio::spawn(sf.instances().list().all())).collect();
    while delayed.hits() < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fake.expire_tokens();
    for call in calls {
        call.await??;
    }
    assert_eq!(fake.requests("POST /auth"), 2);
    Ok(())
}

#[tokio::test]
async fn a_token_is_renewed_ahead() -> Outcome {
    let (fake, sf) = served().await?;
    // Shorter than what a call may need: none is used twice.
    fake.token_life(Duration::from_secs(10));
    for _ in 0..3 {
        sf.instances().list().all().await?;
    }
    assert_eq!(fake.requests("POST /auth"), 3);
    assert_eq!(fake.requests("GET /instances"), 3);
    Ok(())
}

#[tokio::test]
async fn a_rotated_key_ends_in_an_error_after_one_renewal() -> Outcome {
    let (fake, sf) = served().await?;
    sf.instances().list().all().await?;
    fake.rotate_key("demo", "another");
    let e = assert_kind(sf.instances().list().all().await, Kind::Unauthenticated);
    assert!(e.message().contains("key"), "{e}");
    assert_eq!((fake.requests("POST /auth"), fake.requests("GET /instances")), (2, 2));
    // The same key given anew: tokens die without a word, and the call never notices.
    fake.rotate_key("demo", "demokey");
    sf.instances().list().all().await?;
    Ok(())
}

#[tokio::test]
async fn a_permission_that_lacks_is_asked_for_twice_at_most() -> Outcome {
    let (fake, sf) = served().await?;
    let e = sf.instances().namespace("other").delete_all().await;
    assert_kind(e, Kind::PermissionDenied);
    assert_eq!((fake.requests("POST /auth"), fake.requests("DELETE /instances")), (2, 2));
    Ok(())
}

#[tokio::test]
async fn neither_key_nor_token_is_sent_elsewhere_or_printed() -> Outcome {
    let (fake, sf) = served().await?;
    sf.capabilities().await?;
    sf.instances().list().all().await?;
    let page = fake.log().into_iter().find(|it| it.path == "/").ok_or("no page")?;
    assert_eq!(page.header("authorization"), None);
    assert!(!format!("{sf:?} {:?}", sf.raw()).contains("demokey"));
    Ok(())
}

// The wire.

#[tokio::test]
async fn options_travel_in_bodies_and_nothing_else_does() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    sf.instances().with_deleted().list().all().await?;
    web.events().limit(3).list().all().await?;
    web.console_log().last(7).await?;
    sf.instances().list().all().await?;
    web.get().await?;
    let log = fake.log();
    assert!(log.iter().all(|it| it.query.is_empty() && !it.path.contains("//")), "{log:?}");
    assert!(log.iter().all(|it| it.path == "/" || !it.path.ends_with('/')));
    let bodies: Vec<Value> =
        log.iter().filter(|it| it.method == "GET").filter_map(windlass::testing::Request::json).collect();
    // A proxy may not like a body of a GET: there is one only where there is something to say.
    assert_eq!(bodies, [json!({"all": true}), json!({"limit": 3}), json!({"length": 7})]);
    Ok(())
}

#[tokio::test]
async fn a_base_url_may_have_a_path() -> Outcome {
    let fake = FakeShakenFist::start().await?;
    let sf = ShakenFist::at(format!("{}/api/v1/", fake.url())).namespace("demo").key("demokey").client()?;
    let e = assert_kind(sf.instances().list().all().await, Kind::Unsupported);
    assert!(e.message().contains("path"), "{e}");
    assert_eq!(fake.requests("POST /api/v1/auth"), 1);
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_an_error_that_says_where_to() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("POST /auth").header("Location", "https://there/api").reply(301, "<html>moved</html>");
    let e = assert_kind(sf.instances().list().all().await, Kind::Configuration);
    assert!(e.message().contains("https://there/api"), "{e}");
    Ok(())
}

#[tokio::test]
async fn odd_answers_are_errors_with_their_status() -> Outcome {
    let (fake, sf) = served().await?;
    let sf = sf.with(Retry::never());
    for (status, body, kind) in [
        (404, "<!doctype html>", Kind::Unsupported),
        (405, r#"{"message": "not allowed"}"#, Kind::Unsupported),
        (403, r#"{"error": {"deleted": [], "unable": ["x"]}, "status": 403}"#, Kind::Conflict),
        (500, "<html>boom</html>", Kind::Server),
        (502, "<html>bad gateway</html>", Kind::Unavailable),
        (503, "", Kind::Unavailable),
    ] {
        fake.on("GET /instances").reply(status, body);
        let e = assert_kind(sf.instances().list().all().await, kind);
        assert_eq!(e.status(), Some(status));
    }
    Ok(())
}

#[tokio::test]
async fn reading_survives_a_gateway_that_stumbles() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("GET /instances").reply(502, "<html>");
    fake.on("GET /instances").reply(503, "");
    fake.on("GET /instances").drop_after();
    assert!(sf.instances().list().all().await?.is_empty());
    assert_eq!(fake.requests("GET /instances"), 4);
    Ok(())
}

#[tokio::test]
async fn unknown_states_and_fields_are_kept() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.edit_instance(&web.uuid, |document| {
        document["state"] = "hibernating".into();
        document["power_state"] = "dreaming".into();
        document["mood"] = json!({"calm": true});
        document["disks"] = Value::Null;
        document["metadata"] = Value::Null;
    });
    let odd = web.get().await?;
    assert_eq!(
        (odd.state.as_str(), odd.power_state.as_ref().map(|it| it.as_str())),
        ("hibernating", Some("dreaming"))
    );
    assert_eq!(odd.extra.get("mood"), Some(&json!({"calm": true})));
    assert!(odd.disks.is_empty() && odd.metadata.is_empty());
    Ok(())
}

// Create.

#[tokio::test]
async fn a_create_whose_answer_is_lost_makes_one_instance() -> Outcome {
    for status in [None, Some(502), Some(503), Some(504)] {
        let (fake, sf) = served().await?;
        match status {
            None => drop(fake.on("POST /instances").drop_after()),
            // The request takes effect, but what comes back is a gateway's.
            Some(_) => drop(fake.on("POST /instances").truncate(10)),
        }
        let web = sf.create("web").disk(Disk::blank(1)).await?;
        assert_eq!(web.state, InstanceState::Created);
        assert_eq!((fake.requests("POST /instances"), fake.instances().len()), (1, 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_create_that_never_arrived_is_an_unknown_outcome_and_not_sent_again() -> Outcome {
    for fault in ["drop", "502"] {
        let (fake, sf) = served().await?;
        let rule = fake.on("POST /instances");
        match fault {
            "drop" => rule.drop_before(),
            _ => rule.reply(502, "<html>bad gateway</html>"),
        };
        let create = sf.create("web").disk(Disk::blank(1)).settle_window(Duration::from_millis(300));
        let e = assert_kind(create.await, Kind::OutcomeUnknown);
        let marker = e.marker().ok_or("no marker")?;
        assert!(sf.find_created(marker).await?.is_none());
        assert_eq!((fake.requests("POST /instances"), fake.instances().len()), (1, 0));
    }
    Ok(())
}

#[tokio::test]
async fn somebody_elses_instance_of_that_name_is_not_taken_for_ours() -> Outcome {
    let (fake, sf) = served().await?;
    let theirs = sf.create("web").disk(Disk::blank(1)).await?;
    fake.on("POST /instances").drop_before();
    let create = sf.create("web").disk(Disk::blank(1)).settle_window(Duration::from_millis(200));
    assert_kind(create.await, Kind::OutcomeUnknown);
    assert_eq!(fake.instances(), std::slice::from_ref(&theirs.uuid));
    Ok(())
}

#[tokio::test]
async fn a_network_that_isnt_ready_is_waited_for() -> Outcome {
    let (fake, sf) = served().await?;
    fake.pace(Duration::from_millis(400));
    let making = sf.create_network("front").netblock("10.0.0.0/24").send().await?;
    let web = sf.create("web").disk(Disk::blank(1)).nic(Nic::on("front")).await?;
    assert_eq!(web.interfaces().await?.len(), 1);
    making.await?;
    assert!(fake.requests("POST /instances") > 1);
    assert_eq!(fake.instances().len(), 1);
    Ok(())
}

#[tokio::test]
async fn one_deadline_bounds_all_of_a_create() -> Outcome {
    let (fake, sf) = served().await?;
    // Never ready …
    fake.on("POST /instances")
        .always()
        .reply(406, r#"{"error": "network x is not ready (initial)", "status": 406}"#);
    let started = Instant::now();
    let e = sf.create("web").disk(Disk::blank(1)).timeout(Duration::from_secs(1)).await;
    assert_eq!(assert_kind(e, Kind::Conflict).status(), Some(406));
    assert!(started.elapsed() < Duration::from_secs(5));
    // … and stuck in `preflight`.
    let (fake, sf) = served().await?;
    let _held = fake.hold_instances();
    let started = Instant::now();
    let e = sf.create("web").disk(Disk::blank(1)).timeout(Duration::from_secs(1)).await;
    let e = assert_kind(e, Kind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5));
    let left = sf.resume::<Instance>(&e.ticket().ok_or("no ticket")?.parse()?)?;
    drop(_held);
    assert_eq!(left.await?.state, InstanceState::Created);
    Ok(())
}

#[tokio::test]
async fn a_taken_address_is_never_asked_for_again() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("front").netblock("10.0.0.0/24").await?;
    let nic = || Nic::on("front").address("10.0.0.9");
    sf.create("a").disk(Disk::blank(1)).nic(nic()).await?;
    let e = sf.create("b").disk(Disk::blank(1)).nic(nic()).attempts_when_full(5).await;
    let e = assert_kind(e, Kind::Conflict);
    assert_eq!((e.status(), fake.requests("POST /instances")), (Some(409), 2));
    let record = sf.find_created(e.marker().ok_or("no marker")?).await?.ok_or("no record")?;
    assert!(e.suggestion().is_some_and(|it| it.contains(&record.uuid)));
    Ok(())
}

#[tokio::test]
async fn want_of_room_is_waited_out_only_if_transient_and_asked_for() -> Outcome {
    let create = |sf: &ShakenFist| sf.create("web").disk(Disk::blank(1));
    let (fake, sf) = served().await?;
    fake.no_room(1, true);
    let e = assert_kind(create(&sf).await, Kind::InsufficientCapacity);
    assert_eq!(
        (e.code(), e.retry_after(), fake.requests("POST /instances")),
        (Some("cpu"), Some(Duration::from_secs(1)), 1)
    );
    fake.no_room(1, false);
    assert_kind(create(&sf).attempts_when_full(5).await, Kind::InsufficientCapacity);
    assert_eq!(fake.requests("POST /instances"), 2);
    // Asked for: after the pause that the server wants, and with the refused record out of the way.
    let (fake, sf) = served().await?;
    fake.no_room(1, true);
    let started = Instant::now();
    let web = create(&sf).attempts_when_full(3).await?;
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(fake.requests("POST /instances"), 2);
    assert_eq!(sf.instance("web").get().await?.uuid, web.uuid);
    Ok(())
}

#[tokio::test]
async fn every_way_to_fail_ends_a_create() -> Outcome {
    for state in ["preflight", "creating"] {
        let (fake, sf) = served().await?;
        fake.fail_creates(state, "the disk is on fire");
        let e = sf.create("web").disk(Disk::blank(1)).send().await?.await.expect_err("it fails");
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, Kind::OperationFailed), "{state}: {e}");
        assert!(e.to_string().contains("on fire"), "{e}");
    }
    for state in ["error", "created-error", "initial-error", "delete-wait", "deleted"] {
        let (fake, sf) = served().await?;
        let _held = fake.hold_instances();
        let operation = sf.create("web").disk(Disk::blank(1)).send().await?;
        fake.edit_instance(operation.ticket().id(), |document| document["state"] = state.into());
        let e = operation.await.expect_err("it is lost");
        assert_eq!((e.end(), e.error().code()), (WaitEnd::Failed, Some(state)), "{e}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wait_survives_a_server_that_restarts() -> Outcome {
    let (fake, sf) = served().await?;
    let held = fake.hold_instances();
    let operation = sf.create("web").disk(Disk::blank(1)).send().await?;
    fake.stop().await;
    let waiting = tokio::spawn(async { operation.await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.restart().await?;
    drop(held);
    assert_eq!(waiting.await??.state, InstanceState::Created);
    assert_eq!(fake.requests("POST /instances"), 1);
    Ok(())
}

// Hot plug.

#[tokio::test]
async fn a_hot_plug_is_never_replayed() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("back").netblock("10.0.0.0/24").await?;
    let web = ready(&sf).await?;
    let route = "POST /instances/{one}/interfaces";
    fake.on(route).reply(406, r#"{"error": "network x is not ready (initial)", "status": 406}"#);
    assert_kind(web.hot_plug(Nic::on("back")).await, Kind::Conflict);
    fake.on(route).drop_before();
    let e = web.hot_plug(Nic::on("back")).await.expect_err("no answer");
    assert_eq!((e.sent(), fake.requests(route)), (Sent::Unknown, 2));
    Ok(())
}

#[tokio::test]
async fn a_hot_plug_that_would_destroy_the_instance_is_not_sent() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("back").netblock("10.0.0.0/29").await?;
    let web = ready(&sf).await?;
    let route = "POST /instances/{one}/interfaces";
    for _ in 0..5 {
        web.hot_plug(Nic::on("back")).await?;
    }
    // The last address is gone, and 10.0.0.2 was the first.
    for nic in [Nic::on("back"), Nic::on("back").address("10.0.0.2")] {
        let e = assert_kind(web.hot_plug(nic).await, Kind::Conflict);
        assert_eq!(e.sent(), Sent::No);
    }
    assert_eq!(fake.requests(route), 5);
    assert_eq!(web.get().await?.state, InstanceState::Created);
    // Who knows better, learns.
    let e = assert_kind(web.hot_plug(Nic::on("back").address("10.0.0.2")).unchecked().await, Kind::Conflict);
    assert_eq!(e.status(), Some(409));
    assert_eq!(web.get().await?.state, InstanceState::Error);
    Ok(())
}

#[tokio::test]
async fn what_a_release_lacks_is_unsupported_before_it_is_sent() -> Outcome {
    let fake = FakeShakenFist::start_as(Release::V0_7).await?;
    let web = ready(&fake.client()?).await?;
    assert_kind(web.hot_plug(Nic::on("back")).await, Kind::Unsupported);
    assert_kind(web.screenshot().await, Kind::Unsupported);
    assert_eq!(fake.requests("POST /instances/{one}/interfaces"), 0);
    assert_eq!(fake.requests("GET /instances/{one}/screenshot"), 0);
    assert_eq!(fake.requests("GET /"), 1);
    Ok(())
}

// Power and reboots.

#[tokio::test]
async fn a_power_change_whose_answer_is_lost_is_seen_by_its_effect() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("POST /instances/{one}/poweroff").drop_after();
    web.power_off().await?;
    assert_eq!(web.get().await?.power_state, Some(PowerState::Off));
    fake.on("POST /instances/{one}/poweron").drop_before();
    let e = web.power_on().timeout(Duration::from_secs(5)).await.expect_err("it never arrived");
    assert_eq!(e.sent(), Sent::Unknown);
    assert_eq!(fake.requests("POST /instances/{one}/poweron"), 1);
    Ok(())
}

#[tokio::test]
async fn a_soft_reboot_that_nobody_obeys_runs_out_of_time() -> Outcome {
    let (fake, sf) = served().await?;
    fake.deaf_guests();
    let web = ready(&sf).await?;
    let e = web.reboot_soft().send().await?.timeout(Duration::from_millis(600)).await.expect_err("deaf");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    let after = web.reboot_hard().await?;
    assert_ne!(after.agent_system_boot_time, web.agent_system_boot_time);
    Ok(())
}

#[tokio::test]
async fn a_reboot_that_cannot_be_seen_is_no_success() -> Outcome {
    let (fake, sf) = served().await?;
    let web = sf.create("web").disk(Disk::blank(1)).side_channels([""; 0]).await?;
    assert_kind(web.reboot_hard().await.map(drop), Kind::Unsupported);
    assert_eq!(fake.requests("POST /instances/{one}/reboothard"), 1);
    Ok(())
}

// The agent.

#[tokio::test]
async fn a_degraded_agent_is_ready() -> Outcome {
    let (fake, sf) = served().await?;
    fake.agents_say("ready (degraded)");
    let web = ready(&sf).await?;
    assert_eq!(web.exec("echo hi").output().await?.stdout_text(), "hi\n");
    Ok(())
}

#[tokio::test]
async fn exec_gives_status_and_both_streams_of_any_size() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let done = web.exec("echo out; echo err >&2; exit 7").output().await?;
    assert_eq!(
        (done.status.code(), done.stdout_text().as_str(), done.stderr_text().as_str()),
        (7, "out\n", "err\n")
    );
    assert_kind(done.success(), Kind::CommandFailed);
    let long: Vec<u8> = (b'a'..=b'z').cycle().take(300_000).collect();
    fake.add_file(&web.uuid, "/long", long.clone());
    // The text comes from a blob, and the connection to that breaks.
    fake.on("GET /blobs/{one}/data").truncate(100_000);
    let done = web.exec("cat /long").output().await?.success()?;
    assert!(done.stdout == long);
    assert_eq!(fake.requests("GET /blobs/{one}/data"), 2);
    Ok(())
}

#[tokio::test]
async fn an_order_is_given_once() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let route = "POST /instances/{one}/agent/execute";
    fake.on(route).drop_after();
    let e = web.exec("echo hi").output().await.expect_err("the answer is lost");
    assert_eq!((e.sent(), fake.requests(route), fake.agent_operations().len()), (Sent::Unknown, 1, 1));
    // It went away between the look and the order: nothing was done, so again.
    fake.on(route).reply(400, r#"{"error": "instance agent not ready", "status": 400}"#);
    assert_eq!(web.exec("echo hi").output().await?.stdout_text(), "hi\n");
    assert_eq!((fake.requests(route), fake.agent_operations().len()), (3, 2));
    Ok(())
}

#[tokio::test]
async fn agent_operations_end_on_every_terminal_state() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let _held = fake.hold_agents();
    for (state, kind) in
        [("error", Kind::OperationFailed), ("expired", Kind::OperationFailed), ("deleted", Kind::Cancelled)]
    {
        let operation = web.exec("echo hi").send().await?;
        let uuid = operation.ticket().id().to_owned();
        tokio::time::sleep(Duration::from_millis(50)).await;
        fake.edit_agent_operation(&uuid, |document| {
            document["state"] = state.into();
            document["error_message"] = "no such luck".into();
        });
        let e = operation.await.expect_err("it failed");
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, kind), "{state}");
        assert!(e.to_string().contains("no such luck"), "{e}");
    }
    // One that stays in `executing` can't outlast the limit.
    let started = Instant::now();
    let e =
        assert_kind(web.exec("echo hi").timeout(Duration::from_millis(700)).output().await, Kind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(_held);
    let done = sf.resume::<Output>(&e.ticket().ok_or("no ticket")?.parse()?)?.await?;
    assert_eq!(done.stdout_text(), "hi\n");
    Ok(())
}

// Push and pull.

/// Incompressible, and different at every place.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_of_256_mib_that_breaks_five_times_arrives_whole() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let content = bytes::Bytes::from(noise(256 << 20));
    let chunk = "POST /upload/{one}";
    // Before it arrives, after it arrived, in the first chunk and later ones.
    fake.on(chunk).drop_before();
    fake.on(chunk).skip(20).drop_after();
    fake.on(chunk).skip(5).reply(502, "<html>bad gateway</html>");
    fake.on(chunk).skip(40).truncate(1);
    fake.on("POST /upload/{one}/truncate/{to}").drop_after();
    let seen = Arc::new(Mutex::new(Transferred::default()));
    let told = seen.clone();
    web.push(content.clone()).on_progress(move |p| *told.lock().unwrap() = p).mode(0o600).to("/big").await?;
    let (arrived, mode) = fake.file(&web.uuid, "/big").ok_or("no file")?;
    assert!(arrived == content);
    assert_eq!(mode, 0o600);
    assert_eq!(*seen.lock().unwrap(), {
        let mut all = Transferred::default();
        (all.bytes, all.total) = (256 << 20, Some(256 << 20));
        all
    });
    // Four broken chunks and a broken truncation, none of which began again from the start.
    let chunks = fake.requests(chunk);
    assert!((128 + 4..200).contains(&chunks), "{chunks}");
    assert!(fake.requests("POST /upload/{one}/truncate/{to}") >= 4);
    assert_eq!(fake.artifacts(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_push_of_what_the_cluster_has_sends_nothing() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let content = noise(100_000);
    web.push(content.clone()).keep_as("kept").to("/a").await?;
    assert_eq!(fake.requests("POST /upload"), 1);
    web.push(content.clone()).to("/b").await?;
    assert_eq!(fake.requests("POST /upload"), 1);
    assert!(fake.file(&web.uuid, "/b").is_some_and(|(bytes, mode)| bytes == content && mode == 0o644));
    assert_eq!(fake.artifacts(), ["kept"]);
    Ok(())
}

#[tokio::test]
async fn a_push_that_never_gets_through_ends() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("POST /upload/{one}").always().drop_before();
    let e = web.push(noise(1_000)).timeout(Duration::from_secs(30)).to("/a").await.expect_err("broken");
    assert!(matches!(e.kind(), Kind::Interrupted | Kind::Timeout), "{e}");
    assert!(fake.requests("POST /upload/{one}") <= 6);
    assert!(fake.file(&web.uuid, "/a").is_none());
    Ok(())
}

#[tokio::test]
async fn an_upload_whose_last_answer_is_lost_is_found() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("POST /artifacts/upload/{name}").drop_after();
    let artifact = sf.upload(noise(1_000)).as_image("golden").await?;
    assert_eq!(fake.artifacts(), ["golden"]);
    assert_eq!(fake.requests("POST /artifacts/upload/{name}"), 1);
    assert!(artifact.blob_uuid.is_some());
    Ok(())
}

#[tokio::test]
async fn a_pull_that_breaks_goes_on_and_is_compared() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let content = noise(5 << 20);
    fake.add_file(&web.uuid, "/big", content.clone());
    let data = "GET /blobs/{one}/data";
    for _ in 0..3 {
        fake.on(data).truncate(1_200_000);
    }
    let file = std::env::temp_dir().join(format!("windlass-sf-pull-{}", std::process::id()));
    web.pull("/big").to(&file).await?;
    assert!(std::fs::read(&file)? == content);
    std::fs::remove_file(&file)?;
    let queries: Vec<String> =
        fake.log().into_iter().filter(|it| it.path.ends_with("/data")).map(|it| it.query).collect();
    assert_eq!(queries, ["", "offset=1200000", "offset=2400000", "offset=3600000"]);
    let e = assert_kind(web.pull("/nowhere").bytes().await, Kind::OperationFailed);
    assert!(e.message().contains("/nowhere"), "{e}");
    Ok(())
}

#[tokio::test]
async fn a_damaged_blob_is_no_success() -> Outcome {
    let (fake, sf) = served().await?;
    let blob = sf.blob(&fake.add_blob(noise(10_000))).await?;
    assert_eq!(blob.data().bytes().await?.len(), 10_000);
    fake.damage_blob(&blob.uuid);
    let file = std::env::temp_dir().join(format!("windlass-sf-damaged-{}", std::process::id()));
    let e = assert_kind(blob.data().to(&file).await, Kind::BadReply);
    assert!(e.message().contains("SHA-512"), "{e}");
    assert!(!file.exists());
    Ok(())
}

// Delete.

#[tokio::test]
async fn a_delete_whose_answer_is_lost_goes_on() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let _held = fake.hold_instances();
    fake.on("DELETE /instances/{one}").drop_after();
    // It is in `delete-wait` by the time that the client looks.
    fake.on("GET /instances/{one}").delay(Duration::from_millis(100));
    let operation = web.delete().send().await?;
    drop(_held);
    operation.await?;
    assert!(fake.instances().is_empty());
    assert_eq!(fake.requests("DELETE /instances/{one}"), 1);
    Ok(())
}

#[tokio::test]
async fn a_tear_down_that_hangs_cannot_outlast_the_limit() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let _held = fake.hold_instances();
    let e = web.delete().send().await?.timeout(Duration::from_millis(400)).await.expect_err("it hangs");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    assert!(e.to_string().contains("delete-wait"), "{e}");
    Ok(())
}
