//! Launching: never twice, never lost.

use super::*;

/// The wait for an instance has begun.
const LOOK: &str = "GET /instances/{one}";

#[tokio::test]
async fn a_launch_whose_answer_is_lost_makes_one_instance() -> Outcome {
    for status in [None, Some(502), Some(503), Some(504)] {
        let (fake, sf) = served().await?;
        match status {
            None => drop(fake.on("POST /instances").drop_after()),
            // The request takes effect, but what comes back is a gateway's.
            Some(_) => drop(fake.on("POST /instances").truncate(10)),
        }
        let web = sf.launch("web").disk(Disk::blank(1)).await?;
        assert_eq!(web.state, InstanceState::Created);
        assert_eq!((fake.requests("POST /instances"), fake.instances().len()), (1, 1));
    }
    Ok(())
}

#[tokio::test]
async fn an_instance_that_another_process_launched_is_waited_for() -> Outcome {
    let (_fake, sf) = served().await?;
    let launch = sf.launch("web").image("debian:12").send().await?;
    let web = sf.instance(launch.ticket().id()).until_created().await?;
    assert_eq!(web.state, InstanceState::Created);
    assert_eq!(web.disk_spec.first().and_then(|disk| disk.base.as_deref()), Some("debian:12"));
    let ticket = web.until_created().ticket().to_string().parse()?;
    assert_eq!(sf.resume::<Instance>(&ticket)?.await?.uuid, web.uuid);
    web.delete().await?;
    assert_eq!(web.until_created().await.expect_err("deleted").end(), WaitEnd::Failed);
    Ok(())
}

#[tokio::test]
async fn a_launch_that_never_arrived_is_an_unknown_outcome_and_not_sent_again() -> Outcome {
    for fault in ["drop", "502"] {
        let (fake, sf) = served().await?;
        let rule = fake.on("POST /instances");
        match fault {
            "drop" => rule.drop_before(),
            _ => rule.reply(502, "<html>bad gateway</html>"),
        };
        let launch = sf.launch("web").disk(Disk::blank(1)).reconcile_window(Duration::from_millis(300));
        let e = assert_kind(launch.await, ErrorKind::OutcomeUnknown);
        let marker = e.marker().ok_or("no marker")?;
        assert!(sf.launched(marker).await?.is_none());
        assert_eq!((fake.requests("POST /instances"), fake.instances().len()), (1, 0));
    }
    Ok(())
}

#[tokio::test]
async fn somebody_elses_instance_of_that_name_is_not_taken_for_ours() -> Outcome {
    let (fake, sf) = served().await?;
    let theirs = sf.launch("web").disk(Disk::blank(1)).await?;
    fake.on("POST /instances").drop_before();
    let launch = sf.launch("web").disk(Disk::blank(1)).reconcile_window(Duration::from_millis(200));
    assert_kind(launch.await, ErrorKind::OutcomeUnknown);
    assert_eq!(fake.instances(), std::slice::from_ref(&theirs.uuid));
    Ok(())
}

#[tokio::test]
async fn a_network_that_isnt_ready_is_waited_for() -> Outcome {
    let (fake, sf) = served().await?;
    fake.pace(LIMIT);
    let making = sf.create_network("front").netblock("10.0.0.0/24").send().await?;
    let launch = sf.launch("web").disk(Disk::blank(1)).nic(Nic::on("front"));
    let launching = tokio::spawn(launch.into_future());
    // Once it was refused.
    until(|| fake.requests("POST /instances") > 1).await;
    fake.pace(Duration::from_millis(5));
    later(LIMIT).await;
    let web = launching.await??;
    assert_eq!(web.interfaces().await?.len(), 1);
    making.await?;
    assert_eq!(fake.instances().len(), 1);
    Ok(())
}

#[tokio::test]
async fn one_deadline_bounds_all_of_a_launch() -> Outcome {
    let (fake, sf) = served().await?;
    // Never ready …
    fake.on("POST /instances")
        .always()
        .reply(406, r#"{"error": "network x is not ready (initial)", "status": 406}"#);
    let launch = || sf.launch("web").disk(Disk::blank(1)).reconcile_window(Duration::ZERO);
    let mut statuses = Vec::new();
    // On a busy machine the deadline may come while a request is on its way: then the outcome is unknown.
    while statuses.len() < 10 && statuses.last() != Some(&Some(406)) {
        let started = Instant::now();
        let e = launch().timeout(Duration::from_secs(1)).await.expect_err("it never gets ready");
        assert!(matches!(e.kind(), ErrorKind::Conflict | ErrorKind::OutcomeUnknown), "{e}");
        assert!(started.elapsed() < Duration::from_secs(60));
        statuses.push(e.status());
    }
    assert_eq!(statuses.last(), Some(&Some(406)));
    // … and stuck in `preflight`.
    let (fake, sf) = served().await?;
    let _held = fake.hold_instances();
    let launch = sf.launch("web").disk(Disk::blank(1)).timeout(LIMIT);
    let e = over_once(|| fake.requests(LOOK) > 0, launch.into_future()).await?;
    let e = assert_kind(e, ErrorKind::Timeout);
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
    sf.launch("a").disk(Disk::blank(1)).nic(nic()).await?;
    let e = sf.launch("b").disk(Disk::blank(1)).nic(nic()).attempts_when_full(5).await;
    let e = assert_kind(e, ErrorKind::Conflict);
    assert_eq!((e.status(), fake.requests("POST /instances")), (Some(409), 2));
    let record = sf.launched(e.marker().ok_or("no marker")?).await?.ok_or("no record")?;
    assert!(e.suggestion().is_some_and(|it| it.contains(&record.uuid)));
    Ok(())
}

#[tokio::test]
async fn want_of_room_is_waited_out_only_if_transient_and_asked_for() -> Outcome {
    let launch = |sf: &ShakenFist| sf.launch("web").disk(Disk::blank(1));
    let (fake, sf) = served().await?;
    fake.no_room(1, true);
    let e = assert_kind(launch(&sf).await, ErrorKind::InsufficientCapacity);
    assert_eq!(
        (e.code(), e.retry_after(), fake.requests("POST /instances")),
        (Some("cpu"), Some(Duration::from_secs(1)), 1)
    );
    fake.no_room(1, false);
    assert_kind(launch(&sf).attempts_when_full(5).await, ErrorKind::InsufficientCapacity);
    assert_eq!(fake.requests("POST /instances"), 2);
    // Asked for: after the pause that the server wants, and with the refused record out of the way.
    let (fake, sf) = served().await?;
    fake.no_room(1, true);
    let started = Instant::now();
    let web = launch(&sf).attempts_when_full(3).await?;
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(fake.requests("POST /instances"), 2);
    assert_eq!(sf.instance("web").get().await?.uuid, web.uuid);
    Ok(())
}

#[tokio::test]
async fn every_way_to_fail_ends_a_launch() -> Outcome {
    for state in ["preflight", "creating"] {
        let (fake, sf) = served().await?;
        fake.fail_launches(state, "the disk is on fire");
        let e = sf.launch("web").disk(Disk::blank(1)).send().await?.await.expect_err("it fails");
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed), "{state}: {e}");
        assert!(e.to_string().contains("on fire"), "{e}");
    }
    for state in ["error", "created-error", "initial-error", "delete-wait", "deleted"] {
        let (fake, sf) = served().await?;
        let _held = fake.hold_instances();
        let operation = sf.launch("web").disk(Disk::blank(1)).send().await?;
        fake.edit_instance(operation.ticket().id(), |document| document["state"] = state.into());
        let e = operation.await.expect_err("it is lost");
        assert_eq!((e.end(), e.error().code()), (WaitEnd::Failed, Some(state)), "{e}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_survives_a_server_that_restarts() -> Outcome {
    let (fake, sf) = served().await?;
    let held = fake.hold_instances();
    let operation = sf.launch("web").disk(Disk::blank(1)).send().await?;
    fake.stop().await;
    let waiting = tokio::spawn(async { operation.await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.restart().await?;
    drop(held);
    assert_eq!(waiting.await??.state, InstanceState::Created);
    assert_eq!(fake.requests("POST /instances"), 1);
    Ok(())
}

const BOOM: &str = r#"{"error": "server error: EtcdException('boom')", "status": 500}"#;

#[tokio::test]
async fn a_launch_that_worked_is_found_whatever_the_server_says() -> Outcome {
    for status in [500, 502, 503, 504] {
        let (fake, sf) = served().await?;
        fake.on("POST /instances").reply_after(status, BOOM);
        let web = sf.launch("web").disk(Disk::blank(1)).await?;
        assert_eq!(web.state, InstanceState::Created, "{status}");
        assert_eq!((fake.requests("POST /instances"), fake.instances().len()), (1, 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_500_that_left_nothing_is_an_unknown_outcome_in_the_servers_words() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("POST /instances").header("X-Request-ID", "r-1").reply(500, BOOM);
    let launch = sf.launch("web").disk(Disk::blank(1)).reconcile_window(Duration::from_millis(200));
    let e = assert_kind(launch.await, ErrorKind::OutcomeUnknown);
    assert_eq!((e.status(), e.request_id(), e.attempts()), (Some(500), Some("r-1"), 1));
    assert!(e.message().contains("EtcdException") && e.marker().is_some(), "{e}");
    assert_eq!(e.body(), BOOM.as_bytes());
    assert_eq!(fake.requests("POST /instances"), 1);
    Ok(())
}

#[tokio::test]
async fn a_500_over_a_record_that_failed_is_the_answer() -> Outcome {
    for remove in [false, true] {
        let (fake, sf) = served().await?;
        // It found no room, and stumbled over saying so.
        fake.no_room(1, false);
        fake.on("POST /instances").reply_after(500, BOOM);
        let launch = sf.launch("web").disk(Disk::blank(1));
        let e = if remove { launch.remove_refused().await } else { launch.await };
        let e = assert_kind(e, ErrorKind::Server);
        assert!(e.message().contains("EtcdException"), "{e}");
        assert_eq!(fake.requests("DELETE /instances/{one}"), usize::from(remove));
        assert_eq!(e.marker().is_some(), !remove);
    }
    Ok(())
}

#[tokio::test]
async fn a_found_instance_that_never_comes_up_tells_of_the_500() -> Outcome {
    let (fake, sf) = served().await?;
    let _held = fake.hold_instances();
    fake.on("POST /instances").reply_after(500, BOOM);
    let launch = sf.launch("web").disk(Disk::blank(1)).timeout(LIMIT);
    let e = over_once(|| fake.requests(LOOK) > 0, launch.into_future()).await?;
    let e = assert_kind(e, ErrorKind::Timeout);
    assert!(e.message().contains("500") && e.message().contains("EtcdException"), "{e}");
    assert!(e.ticket().is_some());
    Ok(())
}

#[tokio::test]
async fn a_list_that_misses_the_instance_hides_no_launch() -> Outcome {
    let (fake, sf) = served().await?;
    let held = fake.hold_instances();
    fake.lists_miss_changing(usize::MAX);
    fake.on("POST /instances").drop_after();
    let launch = sf.launch("web").disk(Disk::blank(1)).reconcile_window(Duration::ZERO);
    let operation = launch.send().await?;
    let marker = fake.instance(operation.ticket().id()).ok_or("no instance")?["metadata"]["windlass-launch"]
        .as_str()
        .ok_or("no marker")?
        .to_owned();
    // It isn't `created` yet, so this list misses it; the search for its marker doesn't.
    assert!(sf.instances().await?.is_empty());
    let found = sf.launched(&marker).await?.ok_or("not found")?;
    assert_eq!(found.uuid, operation.ticket().id());
    drop(held);
    let web = operation.await?;
    web.delete().await?;
    assert!(sf.launched(&marker).await?.is_none());
    Ok(())
}
